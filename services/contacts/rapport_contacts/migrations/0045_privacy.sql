-- What persons asked for in their own right, and how far their erasure has come.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- One row for each request and id. certificate: what the completion of an erasure says.
CREATE TABLE privacy_v1_r1 (
    tenant_id      text        NOT NULL,
    customer_id    uuid        NOT NULL,
    request_id     uuid        NOT NULL,
    kind           text        NOT NULL,
    state          text        NOT NULL,
    customer_ids   uuid[]      NOT NULL,
    event_id       uuid        NOT NULL,
    correlation_id text        NOT NULL,
    asked_at       timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL,
    due_at         timestamptz,
    closed_at      timestamptz,
    legal_basis    text,
    artefact_hash  text,
    certificate    json,
    CONSTRAINT privacy_v1_r1_pkey PRIMARY KEY (tenant_id, customer_id, request_id),
    CONSTRAINT privacy_v1_r1_kind CHECK (kind IN ('access', 'erasure')),
    CONSTRAINT privacy_v1_r1_state CHECK (state IN ('open', 'done', 'refused'))
);
CREATE INDEX privacy_v1_r1_open ON privacy_v1_r1 (tenant_id, recorded_at) WHERE state = 'open';
SELECT read_model('privacy_v1_r1');

-- What was there before the keys of a request were destroyed: afterwards nobody could tell.
CREATE TABLE erasure_counts (
    tenant_id  text        NOT NULL,
    request_id uuid        NOT NULL,
    events     bigint      NOT NULL,
    sealed     bigint      NOT NULL,
    counted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT erasure_counts_pkey PRIMARY KEY (tenant_id, request_id)
);
ALTER TABLE erasure_counts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY keeper ON erasure_counts TO rapport_{service}_keeper USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON erasure_counts TO rapport_{service}_keeper;

-- migrate:down
DROP TABLE erasure_counts;
DROP VIEW privacy_v1;
DROP TABLE privacy_v1_r1;
