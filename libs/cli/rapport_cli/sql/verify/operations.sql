-- operations: the wish to which each of the next events of a partition belongs, in order.
-- $1 partition   $2 position after which to begin   $3 events at most
SELECT array_agg(e.meta ->> 'correlation' ORDER BY e.position) AS operations
  FROM (SELECT position, meta
          FROM events
         WHERE partition = $1 AND position > $2
         ORDER BY position
         LIMIT $3) AS e
