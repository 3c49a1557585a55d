-- Where the mirror found its topic in order: hints, so that it need not read the topic from the first record each time.
-- migrate:up
SET LOCAL lock_timeout = '5s';

CREATE TABLE mirror_marks (
    era           integer     NOT NULL,
    partition     smallint    NOT NULL,
    record_offset bigint      NOT NULL,
    position      bigint      NOT NULL,
    event_id      text        NOT NULL,  -- as the record says it
    marked_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT mirror_marks_pkey PRIMARY KEY (era, partition, record_offset),
    CONSTRAINT mirror_marks_partition_range CHECK (partition BETWEEN 0 AND 31)
);
GRANT SELECT, INSERT, DELETE ON mirror_marks TO rapport_{service}_keeper;
