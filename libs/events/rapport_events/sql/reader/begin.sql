-- begin: make the checkpoint rows of sources that a reader has none of yet, at position 0; in a later era it is not the same reader.
-- $1 reader   $2 sources   $3 eras (one for each source)
INSERT INTO checkpoints (reader, source, era, partition, position)
SELECT $1, s.source, s.era, p, 0
  FROM unnest($2::text[], $3::int[]) AS s (source, era), generate_series(0, 31) AS p
 WHERE NOT EXISTS (SELECT FROM checkpoints c WHERE c.reader = $1 AND c.source = s.source)
    ON CONFLICT DO NOTHING
