-- What rules remember of facts in order to decide on later ones: written in the reactions' own transaction, so that a
-- decision sees exactly what came before its cause.
-- migrate:up
SET LOCAL lock_timeout = '5s';

CREATE TABLE buyers_v1_r1 (
    tenant_id   text     NOT NULL,
    customer_id uuid     NOT NULL,
    event_id    uuid     NOT NULL,
    partition   smallint NOT NULL,
    CONSTRAINT buyers_v1_r1_pkey PRIMARY KEY (tenant_id, customer_id)
);
SELECT read_model('buyers_v1_r1');

CREATE TABLE consent_words_v1_r1 (
    tenant_id       text        NOT NULL,
    customer_id     uuid        NOT NULL,
    event_id        uuid        NOT NULL,
    purpose         text        NOT NULL,
    channel         text,
    is_granted      boolean     NOT NULL,
    wording_version text,
    valid_until     timestamptz,
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    partition       smallint    NOT NULL,
    position        bigint      NOT NULL,
    CONSTRAINT consent_words_v1_r1_pkey PRIMARY KEY (tenant_id, customer_id, event_id)
);
SELECT read_model('consent_words_v1_r1');

-- migrate:down
DROP VIEW consent_words_v1, buyers_v1;
DROP TABLE consent_words_v1_r1, buyers_v1_r1;
