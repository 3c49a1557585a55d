-- held: the events that the ledger holds in runs of positions.
-- $1 partitions   $2 first positions   $3 last positions
SELECT q.partition, e.position, e.event_id::text AS event_id
  FROM unnest($1::smallint[], $2::bigint[], $3::bigint[]) AS q (partition, first, last)
 CROSS JOIN LATERAL (
       SELECT r.position, r.event_id
         FROM events AS r
        WHERE r.partition = q.partition AND r.position BETWEEN q.first AND q.last) AS e
