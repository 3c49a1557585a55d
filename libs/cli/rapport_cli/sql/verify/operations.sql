-- operations: the wish with which each of the next events of a partition began, in order; null for what followed from others.
-- $1 partition   $2 position after which to begin   $3 events at most
SELECT array_agg(CASE WHEN e.meta ->> 'causation' IS NULL THEN e.meta ->> 'correlation' END ORDER BY e.position)
       AS operations
  FROM (SELECT position, meta
          FROM events
         WHERE partition = $1 AND position > $2
         ORDER BY position
         LIMIT $3) AS e
