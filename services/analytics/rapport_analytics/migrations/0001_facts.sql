-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Purchases and refunds, a row each: every sum on a report opens into these, and through them into events.
CREATE TABLE sales_v1_r1 (
    tenant_id   text        NOT NULL,
    customer    uuid        NOT NULL,
    event_id    uuid        NOT NULL,
    kind        text        NOT NULL,
    thing_id    uuid        NOT NULL,
    amount      numeric     NOT NULL,
    currency    text        NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    partition   smallint    NOT NULL,
    position    bigint      NOT NULL,
    CONSTRAINT sales_v1_r1_pkey PRIMARY KEY (tenant_id, customer, event_id),
    CONSTRAINT sales_v1_r1_kind CHECK (kind IN ('purchase', 'refund'))
);
CREATE INDEX sales_v1_r1_when ON sales_v1_r1 (tenant_id, occurred_at);
SELECT read_model('sales_v1_r1');

-- What each customer has bought and got back, by currency.
CREATE TABLE totals_v1_r1 (
    tenant_id         text        NOT NULL,
    customer          uuid        NOT NULL,
    currency          text        NOT NULL,
    purchases         int         NOT NULL,
    revenue           numeric     NOT NULL,
    refunds           int         NOT NULL,
    refunded          numeric     NOT NULL,
    first_purchase_at timestamptz,
    last_purchase_at  timestamptz,
    CONSTRAINT totals_v1_r1_pkey PRIMARY KEY (tenant_id, customer, currency)
) WITH (fillfactor = 70);
SELECT read_model('totals_v1_r1');

-- Who is known, and the coded facts about them that reports group by.
CREATE TABLE customers_v1_r1 (
    tenant_id   text        NOT NULL,
    customer    uuid        NOT NULL,
    kind        text        NOT NULL,
    source      text        NOT NULL,
    attributes  json        NOT NULL,
    occurred_at timestamptz NOT NULL,
    CONSTRAINT customers_v1_r1_pkey PRIMARY KEY (tenant_id, customer)
);
SELECT read_model('customers_v1_r1');

-- Every time that we were in touch.
CREATE TABLE contacts_v1_r1 (
    tenant_id      text        NOT NULL,
    customer       uuid        NOT NULL,
    event_id       uuid        NOT NULL,
    channel        text        NOT NULL,
    channel_detail text,
    direction      text        NOT NULL,
    outcome        text,
    attributes     json        NOT NULL,
    occurred_at    timestamptz NOT NULL,
    CONSTRAINT contacts_v1_r1_pkey PRIMARY KEY (tenant_id, customer, event_id)
);
SELECT read_model('contacts_v1_r1');

-- Every complaint, and what became of it.
CREATE TABLE complaints_v1_r1 (
    tenant_id           text        NOT NULL,
    case_id             uuid        NOT NULL,
    customer            uuid        NOT NULL,
    event_id            uuid        NOT NULL,
    category            text        NOT NULL,
    severity            text,
    channel             text        NOT NULL,
    channel_detail      text,
    attributes          json        NOT NULL,
    occurred_at         timestamptz NOT NULL,
    responses           int         NOT NULL DEFAULT 0,
    response_attributes json        NOT NULL DEFAULT '{}',
    first_responded_at  timestamptz,
    resolved_at         timestamptz,
    state               text        NOT NULL DEFAULT 'open',
    CONSTRAINT complaints_v1_r1_pkey PRIMARY KEY (tenant_id, case_id)
);
SELECT read_model('complaints_v1_r1');

-- Files that were read to their end, once for each service that they wrote into.
CREATE TABLE imports_v1_r1 (
    tenant_id       text        NOT NULL,
    import_id       uuid        NOT NULL,
    source          text        NOT NULL,
    mapping         text        NOT NULL,
    mapping_version text        NOT NULL,
    rows            bigint      NOT NULL,
    rows_used       bigint      NOT NULL,
    skipped         json        NOT NULL,
    rejected        json        NOT NULL,
    recorded        json        NOT NULL,
    occurred_at     timestamptz NOT NULL,
    CONSTRAINT imports_v1_r1_pkey PRIMARY KEY (tenant_id, import_id, source)
);
SELECT read_model('imports_v1_r1');

-- The settings of each tenant that reports follow.
CREATE TABLE settings_v1_r1 (
    tenant_id   text        NOT NULL,
    zone        text        NOT NULL,
    currency    text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT settings_v1_r1_pkey PRIMARY KEY (tenant_id)
);
SELECT read_model('settings_v1_r1');

-- How many events were recorded in each minute, by service.
CREATE TABLE pulse_v1_r1 (
    tenant_id text        NOT NULL,
    source    text        NOT NULL,
    minute    timestamptz NOT NULL,
    events    bigint      NOT NULL,
    CONSTRAINT pulse_v1_r1_pkey PRIMARY KEY (tenant_id, source, minute)
) WITH (fillfactor = 50);
SELECT read_model('pulse_v1_r1');

-- Which ids are another party's now, and whose. Ids that stand for themselves have no row.
CREATE VIEW party_roots WITH (security_invoker = true) AS
  WITH RECURSIVE up AS (
       SELECT p.tenant_id, p.child AS id, p.parent AS root, 1 AS depth
         FROM parties_v1 p
        WHERE p.known_to IS NULL
        UNION ALL
       SELECT u.tenant_id, u.id, p.parent, u.depth + 1
         FROM up u
         JOIN parties_v1 p ON p.tenant_id = u.tenant_id AND p.child = u.root AND p.known_to IS NULL
        WHERE u.depth < 32)
SELECT DISTINCT ON (tenant_id, id) tenant_id, id, root
  FROM up
 ORDER BY tenant_id, id, depth DESC, root;
ALTER VIEW party_roots OWNER TO rapport_{service}_keeper;
GRANT SELECT ON party_roots TO rapport_{service}_app;

-- migrate:down
DROP VIEW party_roots;
DROP VIEW sales_v1, totals_v1, customers_v1, contacts_v1, complaints_v1, imports_v1, settings_v1, pulse_v1;
DROP TABLE sales_v1_r1, totals_v1_r1, customers_v1_r1, contacts_v1_r1, complaints_v1_r1, imports_v1_r1, settings_v1_r1,
           pulse_v1_r1;
