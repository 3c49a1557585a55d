-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What rules did, and what they wait for: one row for each run, with its steps so far.
CREATE TABLE runs_v1_r1 (
    tenant_id        text        NOT NULL,
    run_id           uuid        NOT NULL,
    customer         uuid        NOT NULL,
    event_id         uuid        NOT NULL,
    rule             text        NOT NULL,
    rule_version     text        NOT NULL,
    trigger_event_id uuid        NOT NULL,
    started_at       timestamptz NOT NULL,
    state            text        NOT NULL,
    steps            json        NOT NULL,
    waits_for        text,
    waits_until      timestamptz,
    reason           text,
    ended_at         timestamptz,
    CONSTRAINT runs_v1_r1_pkey PRIMARY KEY (tenant_id, run_id)
);
CREATE INDEX runs_v1_r1_newest ON runs_v1_r1 (tenant_id, started_at DESC, run_id DESC);
CREATE INDEX runs_v1_r1_customer ON runs_v1_r1 (tenant_id, customer);
SELECT read_model('runs_v1_r1');

-- migrate:down
DROP VIEW runs_v1;
DROP TABLE runs_v1_r1;
