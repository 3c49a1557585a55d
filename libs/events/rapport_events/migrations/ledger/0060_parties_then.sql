-- Who was one party at a moment of the past is looked for along edges that have ended, too.
-- migrate:up
SET LOCAL lock_timeout = '5s';

CREATE INDEX parties_v1_r1_child_ended ON parties_v1_r1 (tenant_id, child) WHERE known_to IS NOT NULL;
CREATE INDEX parties_v1_r1_parent_ended ON parties_v1_r1 (tenant_id, parent) WHERE known_to IS NOT NULL;

-- migrate:down
DROP INDEX parties_v1_r1_child_ended, parties_v1_r1_parent_ended;
