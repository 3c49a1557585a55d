-- How far the mirror has got, as it says once a second: readers tell by it what is missing from what is still to come.
-- migrate:up
SET LOCAL lock_timeout = '5s';

CREATE TABLE mirror_reach (
    is_only boolean     NOT NULL DEFAULT true,
    era     integer     NOT NULL,
    reach   bigint[]    NOT NULL,
    told_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT mirror_reach_pkey PRIMARY KEY (is_only),
    CONSTRAINT mirror_reach_only CHECK (is_only),
    CONSTRAINT mirror_reach_partitions CHECK (cardinality(reach) = 32)
);
GRANT SELECT ON mirror_reach TO rapport_{service}_app;
GRANT SELECT, INSERT, UPDATE ON mirror_reach TO rapport_{service}_keeper;

-- migrate:down
DROP TABLE mirror_reach;
