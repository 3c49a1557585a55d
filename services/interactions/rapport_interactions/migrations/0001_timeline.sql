-- What happened with each customer, one row for each event and customer who took part.
-- migrate:up
SET LOCAL lock_timeout = '5s';

-- summary: what anybody who may read the timeline sees; preview: one sealed text of the event, and its place there.
CREATE TABLE timeline_v1_r1 (
    tenant_id   text        NOT NULL,
    customer_id uuid        NOT NULL,
    recorded_at timestamptz NOT NULL,
    source      text        NOT NULL,
    partition   smallint    NOT NULL,
    position    bigint      NOT NULL,
    event_id    uuid        NOT NULL,
    type        text        NOT NULL,
    stream      text        NOT NULL,
    occurred_at timestamptz NOT NULL,
    role        text,
    summary     json        NOT NULL,
    pointer     text,
    preview     text,
    CONSTRAINT timeline_v1_r1_pkey PRIMARY KEY (tenant_id, customer_id, occurred_at, recorded_at, source, partition, position)
);
SELECT read_model('timeline_v1_r1');

-- migrate:down
DROP VIEW timeline_v1;
DROP TABLE timeline_v1_r1;
