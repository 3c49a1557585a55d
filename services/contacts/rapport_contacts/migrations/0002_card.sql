-- What a card shows besides the directory's row: linked outside names (sealed) and the last word on each consent.
-- migrate:up
SET LOCAL lock_timeout = '5s';

CREATE TABLE card_v1_r1 (
    tenant_id   text NOT NULL,
    customer_id uuid NOT NULL,
    identities  json NOT NULL,
    consents    json NOT NULL,
    CONSTRAINT card_v1_r1_pkey PRIMARY KEY (tenant_id, customer_id)
);
SELECT read_model('card_v1_r1');

-- migrate:down
DROP VIEW card_v1;
DROP TABLE card_v1_r1;
