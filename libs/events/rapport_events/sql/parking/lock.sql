-- lock: hold a reader's checkpoints of a partition, in the order in which readers move them.
-- $1 reader   $2 partition
SELECT position
  FROM checkpoints
 WHERE reader = $1
   AND partition = $2
 ORDER BY reader, source, era, partition
   FOR UPDATE
