-- The ledger: numbered events, claims that make things unique, answers by idempotency key, and one row of state.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The keeper makes and swaps read models, so it may create here; nobody else may.
GRANT USAGE ON SCHEMA public TO rapport_{service}_app, rapport_{service}_keeper;
GRANT CREATE ON SCHEMA public TO rapport_{service}_keeper;

CREATE TABLE events (
    partition   smallint    NOT NULL,
    position    bigint      NOT NULL,
    tenant_id   text        NOT NULL,
    stream      text        NOT NULL,
    version     integer     NOT NULL,
    event_id    uuid        NOT NULL,
    type        text        NOT NULL,
    schema      text        NOT NULL,
    subject     text        NOT NULL,
    data        json        NOT NULL,  -- json keeps the bytes that Kafka gets; jsonb would not
    meta        json        NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (partition, position),
    CONSTRAINT events_version_once UNIQUE (partition, tenant_id, stream, version),
    CONSTRAINT events_id_once UNIQUE (partition, event_id)
) PARTITION BY LIST (partition);

CREATE TABLE claims (
    tenant_id text  NOT NULL,
    kind      text  NOT NULL,
    digest    bytea NOT NULL,
    stream    text  NOT NULL,
    event_id  uuid  NOT NULL,
    CONSTRAINT claims_pkey PRIMARY KEY (tenant_id, kind, digest)
);

CREATE TABLE commands (
    tenant_id       text        NOT NULL,
    idempotency_key bytea       NOT NULL,
    fingerprint     bytea       NOT NULL,
    partitions      smallint[]  NOT NULL,
    positions       bigint[]    NOT NULL,
    versions        integer[]   NOT NULL,
    recorded_at     timestamptz NOT NULL,
    CONSTRAINT commands_pkey PRIMARY KEY (tenant_id, idempotency_key)
);
CREATE INDEX commands_by_age ON commands USING brin (recorded_at);  -- they are kept for 30 days

CREATE TABLE ledger (
    only_row          boolean     NOT NULL DEFAULT true,
    era               integer     NOT NULL,
    is_open           boolean     NOT NULL,
    system_identifier bigint,
    timeline          integer,
    server_started_at timestamptz,
    CONSTRAINT ledger_pkey PRIMARY KEY (only_row),
    CONSTRAINT ledger_one_row CHECK (only_row)
);
-- No server is named yet, so appends are shut until the mirror has compared the ledger with its topic: the folder
-- of a lost database may have been made anew while the topic still holds what was in it.
INSERT INTO ledger (era, is_open) VALUES (1, true);

GRANT SELECT ON events, claims, commands, ledger TO rapport_{service}_app;
GRANT SELECT, INSERT ON events, claims TO rapport_{service}_keeper;
GRANT SELECT, INSERT, DELETE ON commands TO rapport_{service}_keeper;
GRANT SELECT, UPDATE ON ledger TO rapport_{service}_keeper;

-- Nobody is granted the children, and row-level security is forced on them too: a policy on the parent does not
-- cover direct reads of a child.
DO $$
DECLARE
    name text;
BEGIN
    FOR partition IN 0..31 LOOP
        EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES IN (%s)', partition, partition);
        EXECUTE format('ALTER TABLE events_%s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', partition);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['events', 'claims', 'commands'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY keeper ON %I TO rapport_{service}_keeper USING (true) WITH CHECK (true)', name);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO rapport_{service}_app'
                       ' USING (tenant_id = (SELECT current_setting(''rapport.tenant'', true)))',
                       name);
    END LOOP;
END
$$;
