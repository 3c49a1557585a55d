-- is_level: whether two readers stand at the same place in every line, as this transaction sees it.
-- $1 a reader   $2 another one
SELECT NOT EXISTS (
           SELECT FROM (SELECT source, era, partition, position FROM checkpoints WHERE reader = $1) o
             FULL JOIN (SELECT source, era, partition, position FROM checkpoints WHERE reader = $2) n
                 USING (source, era, partition)
            WHERE o.position IS DISTINCT FROM n.position)
