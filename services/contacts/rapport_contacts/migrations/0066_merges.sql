-- Merges with their choices, as periods by recorded time: what a card shows of a party, and what can be un-merged.
-- migrate:up
SET LOCAL lock_timeout = '5s';

CREATE TABLE merges_v1_r1 (
    tenant_id   text        NOT NULL,
    customer_id uuid        NOT NULL,
    survivor_id uuid        NOT NULL,
    event_id    uuid        NOT NULL,
    partition   smallint    NOT NULL,
    choices     json        NOT NULL,
    merged_at   timestamptz NOT NULL,
    known_from  timestamptz NOT NULL,
    known_to    timestamptz,
    CONSTRAINT merges_v1_r1_pkey PRIMARY KEY (tenant_id, customer_id, event_id)
);
SELECT read_model('merges_v1_r1');

-- migrate:down
DROP VIEW merges_v1;
DROP TABLE merges_v1_r1;
