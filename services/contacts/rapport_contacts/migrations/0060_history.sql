-- What contacts has learned of profiles and outside names, a row for each fact: cards and lists of the past are its fold.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- A fact is known from recorded_at on, and what it says holds from occurred_at on, each until a later fact about the
-- same field. Both ends follow from the rows at reading, so that a late fact adds its row and rewrites none.
-- said: what everybody may see; personal: sealed texts by their names in the event.
CREATE TABLE history_v1_r1 (
    tenant_id   text        NOT NULL,
    customer_id uuid        NOT NULL,
    recorded_at timestamptz NOT NULL,
    position    bigint      NOT NULL,
    partition   smallint    NOT NULL,
    occurred_at timestamptz NOT NULL,
    event_id    uuid        NOT NULL,
    actor       text        NOT NULL,
    kind        text        NOT NULL,
    said        json        NOT NULL,
    personal    json        NOT NULL,
    CONSTRAINT history_v1_r1_pkey PRIMARY KEY (tenant_id, customer_id, recorded_at, position)
);
SELECT read_model('history_v1_r1');

-- Lists of the past begin with who became a customer last before the moment.
CREATE INDEX directory_v1_r1_known ON directory_v1_r1 (tenant_id, known_at DESC, customer_id DESC);

-- migrate:down
DROP INDEX directory_v1_r1_known;
DROP VIEW history_v1;
DROP TABLE history_v1_r1;
