-- follow: let a reader go on in a later era of a source, and forget where it stood in those before.
-- $1 reader   $2 source   $3 era   $4 partitions   $5 positions up to which it holds the same events already
WITH past AS (
     DELETE FROM checkpoints
      WHERE reader = $1 AND source = $2 AND era < $3)
INSERT INTO checkpoints (reader, source, era, partition, position, tally_after)
SELECT $1, $2, $3, n.partition, n.position, n.position
  FROM unnest($4::smallint[], $5::bigint[]) AS n (partition, position)
    ON CONFLICT ON CONSTRAINT checkpoints_pkey DO NOTHING
