-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Timers that have neither fired nor been cancelled.
CREATE TABLE timers_v1_r1 (
    tenant_id      text        NOT NULL,
    timer_id       uuid        NOT NULL,
    subject        text        NOT NULL,
    about_kind     text        NOT NULL,
    about_id       uuid        NOT NULL,
    due_at         timestamptz NOT NULL,
    version        int         NOT NULL,
    event_id       uuid        NOT NULL,
    correlation_id text        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    CONSTRAINT timers_v1_r1_pkey PRIMARY KEY (tenant_id, timer_id)
);
CREATE INDEX timers_v1_r1_due ON timers_v1_r1 (due_at, timer_id);
CREATE INDEX timers_v1_r1_subject ON timers_v1_r1 (tenant_id, subject);
SELECT read_model('timers_v1_r1');

-- Due things that somebody works on, by the database's clock; no part of any read model. A row stays until it is long
-- past, so it also tells how often something was tried, and from when it may be tried again (by the timers' clock).
CREATE TABLE leases (
    tenant_id  text        NOT NULL,
    thing      uuid        NOT NULL,
    until      timestamptz NOT NULL,
    attempts   int         NOT NULL DEFAULT 1,
    not_before timestamptz,
    CONSTRAINT leases_pkey PRIMARY KEY (tenant_id, thing)
);
CREATE INDEX leases_until ON leases (until);
ALTER TABLE leases ENABLE ROW LEVEL SECURITY;
ALTER TABLE leases FORCE ROW LEVEL SECURITY;
CREATE POLICY keeper ON leases TO rapport_{service}_keeper USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON leases TO rapport_{service}_keeper;

-- migrate:down
DROP TABLE leases;
DROP VIEW timers_v1;
DROP TABLE timers_v1_r1;
