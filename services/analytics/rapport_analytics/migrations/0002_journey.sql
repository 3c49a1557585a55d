-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The facts that decide a customer's stage, by the id that they were recorded under; combined when they are folded.
CREATE TABLE journey_v1_r1 (
    tenant_id      text        NOT NULL,
    customer       uuid        NOT NULL,
    event_id       uuid        NOT NULL,
    kind           text        NOT NULL,
    occurred_at    timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL,
    source         text        NOT NULL,
    partition      smallint    NOT NULL,
    position       bigint      NOT NULL,
    correlation_id text        NOT NULL,
    CONSTRAINT journey_v1_r1_pkey PRIMARY KEY (tenant_id, customer, event_id),
    CONSTRAINT journey_v1_r1_kind CHECK (kind IN ('known', 'approached', 'purchased', 'referred'))
);
SELECT read_model('journey_v1_r1');

-- The stages that were published: every one that a customer has reached, the latest last.
CREATE TABLE stages_v1_r1 (
    tenant_id   text        NOT NULL,
    customer    uuid        NOT NULL,
    event_id    uuid        NOT NULL,
    stage       text        NOT NULL,
    previous    text,
    because     uuid[]      NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    position    bigint      NOT NULL,
    CONSTRAINT stages_v1_r1_pkey PRIMARY KEY (tenant_id, customer, event_id)
);
SELECT read_model('stages_v1_r1');

-- migrate:down
DROP VIEW journey_v1, stages_v1;
DROP TABLE journey_v1_r1, stages_v1_r1;
