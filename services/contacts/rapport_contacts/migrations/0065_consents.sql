-- Every word on a consent, a row each: whether we may approach a customer is decided over all ids of the party.
-- migrate:up
SET LOCAL lock_timeout = '5s';

CREATE TABLE consents_v1_r1 (
    tenant_id       text        NOT NULL,
    customer_id     uuid        NOT NULL,
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
    CONSTRAINT consents_v1_r1_pkey PRIMARY KEY (tenant_id, customer_id, event_id)
);
SELECT read_model('consents_v1_r1');

-- The card keeps identities alone from now on.
DROP VIEW card_v1;
ALTER TABLE card_v1_r1 DROP COLUMN consents;
CREATE VIEW card_v1 WITH (security_invoker = true) AS SELECT * FROM card_v1_r1;
ALTER VIEW card_v1 OWNER TO rapport_{service}_keeper;
GRANT SELECT ON card_v1 TO rapport_{service}_app;

-- migrate:down
DROP VIEW consents_v1;
DROP TABLE consents_v1_r1;
DROP VIEW card_v1;
ALTER TABLE card_v1_r1 ADD COLUMN consents json NOT NULL DEFAULT '[]';
CREATE VIEW card_v1 WITH (security_invoker = true) AS SELECT * FROM card_v1_r1;
ALTER VIEW card_v1 OWNER TO rapport_{service}_keeper;
GRANT SELECT ON card_v1 TO rapport_{service}_app;
