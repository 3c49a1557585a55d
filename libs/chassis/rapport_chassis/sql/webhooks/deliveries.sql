-- deliveries: those of one webhook, the newest attempts first.
-- $1 webhook   $2 state or null   $3 rows
SELECT event_id, type, partition, position, state, attempts, next_at, tried_at, status, error
  FROM webhook_deliveries
 WHERE webhook_id = $1 AND ($2::text IS NULL OR state = $2)
 ORDER BY tried_at DESC NULLS FIRST, partition, position
 LIMIT $3
