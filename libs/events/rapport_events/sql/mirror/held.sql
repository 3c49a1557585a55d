-- held: the ids of the events that the ledger holds in runs of positions, in order; without gaps, as its numbers are.
-- $1 partitions   $2 first positions   $3 last positions
SELECT q.partition, q.first, e.ids
  FROM unnest($1::smallint[], $2::bigint[], $3::bigint[]) AS q (partition, first, last)
 CROSS JOIN LATERAL (
       SELECT coalesce(array_agg(r.event_id::text ORDER BY r.position), '{}') AS ids
         FROM events AS r
        WHERE r.partition = q.partition AND r.position BETWEEN q.first AND q.last) AS e
