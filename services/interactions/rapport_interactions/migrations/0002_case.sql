-- How each case stands.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- detail: the rest of what is told of a case, in clear; complaint: the customer's words, sealed for event_id.
CREATE TABLE case_v1_r1 (
    tenant_id     text        NOT NULL,
    case_id       uuid        NOT NULL,
    customer_id   uuid        NOT NULL,
    status        text        NOT NULL,
    category      text        NOT NULL,
    severity      text,
    department    text,
    agent_id      text,
    complained_at timestamptz NOT NULL,
    responded_at  timestamptz,
    resolved_at   timestamptz,
    detail        json        NOT NULL,
    event_id      uuid        NOT NULL,
    complaint     text,
    CONSTRAINT case_v1_r1_pkey PRIMARY KEY (tenant_id, case_id),
    CONSTRAINT case_v1_r1_status CHECK (status IN ('open', 'resolved'))
);
SELECT read_model('case_v1_r1');

-- migrate:down
DROP VIEW case_v1;
DROP TABLE case_v1_r1;
