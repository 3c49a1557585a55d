-- Webhooks: who gets a tenant's events delivered, how far each has come, and what became of each delivery.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The read model of the webhook events of this ledger.
CREATE TABLE webhooks_v1_r1 (
    tenant_id      text        NOT NULL,
    webhook_id     uuid        NOT NULL,
    address        text        NOT NULL,
    types          text[]      NOT NULL,
    is_open        boolean     NOT NULL,
    secret_version integer     NOT NULL,
    former_until   timestamptz,
    state          text        NOT NULL,
    since          timestamptz NOT NULL,  -- delivery begins with what was recorded at this moment
    rewinds        integer     NOT NULL,  -- how often it was told to begin anew
    restarts       integer     NOT NULL,  -- how often it was enabled again
    registered_at  timestamptz NOT NULL,
    CONSTRAINT webhooks_v1_r1_pkey PRIMARY KEY (tenant_id, webhook_id)
);
SELECT read_model('webhooks_v1_r1');

-- How far a webhook has come: its place in the ledger of the same database, so a restore takes both back together and
-- the era does not matter.
CREATE TABLE webhook_cursors (
    tenant_id  text     NOT NULL,
    webhook_id uuid     NOT NULL,
    positions  bigint[] NOT NULL,  -- one for each partition
    rewinds    integer  NOT NULL,
    restarts   integer  NOT NULL,
    CONSTRAINT webhook_cursors_pkey PRIMARY KEY (tenant_id, webhook_id),
    CONSTRAINT webhook_cursors_partitions CHECK (cardinality(positions) = 32)
);

CREATE TABLE webhook_deliveries (
    tenant_id  text        NOT NULL,
    webhook_id uuid        NOT NULL,
    partition  smallint    NOT NULL,
    position   bigint      NOT NULL,
    event_id   uuid        NOT NULL,
    type       text        NOT NULL,
    subject    text        NOT NULL,
    state      text        NOT NULL,
    attempts   integer     NOT NULL,
    next_at    timestamptz NOT NULL,
    status     integer,            -- what the receiver answered last
    error      text,               -- or why it did not
    tried_at   timestamptz,
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (tenant_id, webhook_id, partition, position),
    CONSTRAINT webhook_deliveries_state CHECK (state IN ('pending', 'delivered', 'failed'))
);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (tenant_id, webhook_id, subject, position)
 WHERE state <> 'delivered';
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (tenant_id, webhook_id, tried_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['webhook_cursors', 'webhook_deliveries'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY keeper ON %I TO rapport_{service}_keeper USING (true) WITH CHECK (true)', name);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO rapport_{service}_app'
                       ' USING (tenant_id = (SELECT current_setting(''rapport.tenant'', true)))', name);
        EXECUTE format('GRANT SELECT ON %I TO rapport_{service}_app', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO rapport_{service}_keeper', name);
    END LOOP;
END $$;
