-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What was decided to be done outside and has no receipt yet. The decision holds no personal values.
CREATE TABLE effects_v1_r1 (
    tenant_id      text        NOT NULL,
    effect_key     uuid        NOT NULL,
    kind           text        NOT NULL,
    subject        text        NOT NULL,
    stream         text        NOT NULL,
    version        int         NOT NULL,
    event_id       uuid        NOT NULL,
    decision       json        NOT NULL,
    correlation_id text        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    CONSTRAINT effects_v1_r1_pkey PRIMARY KEY (tenant_id, effect_key)
);
CREATE INDEX effects_v1_r1_oldest ON effects_v1_r1 (recorded_at);
SELECT read_model('effects_v1_r1');

-- migrate:down
DROP VIEW effects_v1;
DROP TABLE effects_v1_r1;
