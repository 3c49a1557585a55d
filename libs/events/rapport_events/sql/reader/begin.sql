-- begin: make the checkpoint rows that a reader does not have yet, at position 0.
-- $1 reader   $2 sources   $3 eras (one for each source)
INSERT INTO checkpoints (reader, source, era, partition, position)
SELECT $1, s.source, s.era, p, 0
  FROM unnest($2::text[], $3::int[]) AS s (source, era), generate_series(0, 31) AS p
    ON CONFLICT DO NOTHING
