-- revive: try again at once what has failed or waits, as if it had never been tried.
-- $1 tenant   $2 webhook   $3 now
UPDATE webhook_deliveries
   SET state = 'pending', attempts = 0, next_at = $3
 WHERE tenant_id = $1 AND webhook_id = $2 AND state <> 'delivered'
