-- positions: where a reader stands, one row for each source, era and partition.
-- $1 reader
SELECT source, era, partition, position
  FROM checkpoints
 WHERE reader = $1
