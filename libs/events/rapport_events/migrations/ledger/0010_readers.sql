-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Where each reader stands. No tenant rows: one row stands for all tenants of a partition.
CREATE TABLE checkpoints (
    reader    text        NOT NULL,
    source    text        NOT NULL,
    era       int         NOT NULL,
    partition smallint    NOT NULL,
    position  bigint      NOT NULL,
    moved_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT checkpoints_pkey PRIMARY KEY (reader, source, era, partition),
    CONSTRAINT checkpoints_partition_range CHECK (partition BETWEEN 0 AND 31)
) WITH (fillfactor = 50);
GRANT SELECT ON checkpoints TO rapport_{service}_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON checkpoints TO rapport_{service}_keeper;

-- Records that a reader could not fold, with all that is needed to try again.
CREATE TABLE parked (
    reader      text        NOT NULL,
    source      text        NOT NULL,
    era         int         NOT NULL,
    partition   smallint    NOT NULL,
    position    bigint      NOT NULL,
    event_id    text        NOT NULL,
    tenant_id   text        NOT NULL,
    subject     text        NOT NULL,
    type        text        NOT NULL,
    cause       text        NOT NULL,
    headers     json        NOT NULL,
    value       bytea       NOT NULL,
    parked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    released_at timestamptz,
    CONSTRAINT parked_pkey PRIMARY KEY (reader, source, era, partition, position)
);
CREATE INDEX parked_waiting ON parked (reader, source, partition) WHERE released_at IS NULL;

-- What an operator decided about a parked event; it holds for every version of a read model and every era.
CREATE TABLE repairs (
    source     text        NOT NULL,
    event_id   text        NOT NULL,
    tenant_id  text        NOT NULL,
    decision   text        NOT NULL,
    value      bytea,
    reason     text        NOT NULL,
    actor      text        NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT repairs_pkey PRIMARY KEY (source, event_id),
    CONSTRAINT repairs_decision CHECK (decision IN ('replace', 'discard'))
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['parked', 'repairs'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY keeper ON %I TO rapport_{service}_keeper USING (true) WITH CHECK (true)', name);
        EXECUTE format('CREATE POLICY tenant ON %I FOR SELECT TO rapport_{service}_app '
                       'USING (tenant_id = (SELECT current_setting(''rapport.tenant'', true)))', name);
        EXECUTE format('GRANT SELECT ON %I TO rapport_{service}_app', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO rapport_{service}_keeper', name);
    END LOOP;
END $$;

-- migrate:down
DROP TABLE repairs, parked, checkpoints;
