-- events: the next events of a partition in order, as one row: how many, their first and last numbers, their ids.
-- $1 partition   $2 position after which to begin   $3 events at most
SELECT count(*) AS count, min(e.position) AS first, max(e.position) AS last,
       coalesce(string_agg(e.event_id::text, '' ORDER BY e.position), '') AS ids
  FROM (SELECT position, event_id
          FROM events
         WHERE partition = $1 AND position > $2
         ORDER BY position
         LIMIT $3) AS e
