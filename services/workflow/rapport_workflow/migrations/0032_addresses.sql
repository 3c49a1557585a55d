-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Where a customer can be written to, and by which name: sealed, each with the event and the place it was sealed for.
CREATE TABLE addresses_v1_r1 (
    tenant_id   text NOT NULL,
    customer_id uuid NOT NULL,
    field       text NOT NULL,
    event_id    uuid NOT NULL,
    pointer     text NOT NULL,
    sealed      text,
    CONSTRAINT addresses_v1_r1_pkey PRIMARY KEY (tenant_id, customer_id, field)
);
SELECT read_model('addresses_v1_r1');

-- migrate:down
DROP VIEW addresses_v1;
DROP TABLE addresses_v1_r1;
