-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The interleaving of topics that a reader of reactions saw: what a simulation must follow to see the same.
CREATE TABLE steps (
    reader        text     NOT NULL,
    partition     smallint NOT NULL,
    step          bigint   NOT NULL,
    source        text     NOT NULL,
    position_from bigint   NOT NULL,
    position_to   bigint   NOT NULL,
    CONSTRAINT steps_pkey PRIMARY KEY (reader, partition, step)
);
GRANT SELECT, INSERT, DELETE ON steps TO rapport_{service}_keeper;

-- migrate:down
DROP TABLE steps;
