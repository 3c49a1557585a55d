-- Segments: their definitions, who is in them and why, and what their conditions look at besides totals and stages.
-- migrate:up
SET LOCAL lock_timeout = '5s';

CREATE TABLE segments_v1_r1 (
    tenant_id  text        NOT NULL,
    segment_id text        NOT NULL,
    version    bigint      NOT NULL,
    name       text        NOT NULL,
    condition  json        NOT NULL,
    is_active  boolean     NOT NULL,
    event_id   uuid        NOT NULL,
    partition  smallint    NOT NULL,
    defined_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT segments_v1_r1_pkey PRIMARY KEY (tenant_id, segment_id)
);
SELECT read_model('segments_v1_r1');

CREATE TABLE memberships_v1_r1 (
    tenant_id  text        NOT NULL,
    segment_id text        NOT NULL,
    customer   uuid        NOT NULL,
    is_member  boolean     NOT NULL,
    version    bigint      NOT NULL,
    because    uuid[]      NOT NULL,
    event_id   uuid        NOT NULL,
    partition  smallint    NOT NULL,
    since      timestamptz NOT NULL,
    CONSTRAINT memberships_v1_r1_pkey PRIMARY KEY (tenant_id, segment_id, customer)
);
CREATE INDEX memberships_v1_r1_customer ON memberships_v1_r1 (tenant_id, customer) WHERE is_member;
SELECT read_model('memberships_v1_r1');

-- Every word on a consent; which of them decides is asked anew each time.
CREATE TABLE consents_v1_r1 (
    tenant_id       text        NOT NULL,
    customer        uuid        NOT NULL,
    event_id        uuid        NOT NULL,
    purpose         text        NOT NULL,
    channel         text,
    is_granted      boolean     NOT NULL,
    wording_version text,
    evidence_ref    text,
    valid_until     timestamptz,
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    partition       smallint    NOT NULL,
    position        bigint      NOT NULL,
    CONSTRAINT consents_v1_r1_pkey PRIMARY KEY (tenant_id, customer, event_id)
);
CREATE INDEX consents_v1_r1_ends ON consents_v1_r1 (valid_until) WHERE valid_until IS NOT NULL;
SELECT read_model('consents_v1_r1');

-- The attributes of each id as they are now; value is null where one was unset.
CREATE TABLE traits_v1_r1 (
    tenant_id   text        NOT NULL,
    customer    uuid        NOT NULL,
    name        text        NOT NULL,
    value       json,
    event_id    uuid        NOT NULL,
    partition   smallint    NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT traits_v1_r1_pkey PRIMARY KEY (tenant_id, customer, name)
);
SELECT read_model('traits_v1_r1');

-- Segments whose definition is new: customers up to the one named here have been marked, so that they are decided anew.
CREATE TABLE sweeps (
    tenant_id  text NOT NULL,
    segment_id text NOT NULL,
    customer   uuid NOT NULL,
    CONSTRAINT sweeps_pkey PRIMARY KEY (tenant_id, segment_id)
);
ALTER TABLE sweeps ENABLE ROW LEVEL SECURITY;
ALTER TABLE sweeps FORCE ROW LEVEL SECURITY;
CREATE POLICY keeper ON sweeps TO rapport_{service}_keeper USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON sweeps TO rapport_{service}_keeper;

-- Up to when consents that end by themselves have been looked at. One row, for all tenants.
CREATE TABLE consent_watch (
    until timestamptz NOT NULL
);
INSERT INTO consent_watch (until) VALUES ('-infinity');
GRANT SELECT, UPDATE ON consent_watch TO rapport_{service}_keeper;

-- migrate:down
DROP TABLE consent_watch, sweeps;
DROP VIEW segments_v1, memberships_v1, consents_v1, traits_v1;
DROP TABLE segments_v1_r1, memberships_v1_r1, consents_v1_r1, traits_v1_r1;
