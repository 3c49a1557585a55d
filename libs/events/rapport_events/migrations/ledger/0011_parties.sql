-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Which ids are one party, as periods by recorded time. Each edge is written by the reader of its own partition.
CREATE TABLE parties_v1_r1 (
    tenant_id  text        NOT NULL,
    customer   uuid        NOT NULL,
    other      uuid        NOT NULL,
    kind       text        NOT NULL,
    known_from timestamptz NOT NULL,
    known_to   timestamptz,
    child      uuid        GENERATED ALWAYS AS (CASE kind WHEN 'linked' THEN other ELSE customer END) STORED,
    parent     uuid        GENERATED ALWAYS AS (CASE kind WHEN 'linked' THEN customer ELSE other END) STORED,
    CONSTRAINT parties_v1_r1_pkey PRIMARY KEY (tenant_id, customer, other, known_from),
    CONSTRAINT parties_v1_r1_kind CHECK (kind IN ('linked', 'merged'))
);
CREATE INDEX parties_v1_r1_child ON parties_v1_r1 (tenant_id, child) WHERE known_to IS NULL;
CREATE INDEX parties_v1_r1_parent ON parties_v1_r1 (tenant_id, parent) WHERE known_to IS NULL;
SELECT read_model('parties_v1_r1');

-- Ids whose facts or edges have changed, so that the owner of their party's root decides anew what follows.
CREATE TABLE marks (
    tenant_id   text        NOT NULL,
    view        text        NOT NULL,
    customer    uuid        NOT NULL,
    partition   smallint    NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT marks_pkey PRIMARY KEY (tenant_id, view, customer, partition)
);
CREATE INDEX marks_oldest ON marks (view, recorded_at);
ALTER TABLE marks ENABLE ROW LEVEL SECURITY;
ALTER TABLE marks FORCE ROW LEVEL SECURITY;
CREATE POLICY keeper ON marks TO rapport_{service}_keeper USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON marks TO rapport_{service}_keeper;

-- migrate:down
DROP TABLE marks;
DROP VIEW parties_v1;
DROP TABLE parties_v1_r1;
