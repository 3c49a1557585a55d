-- waiting: how many events wait for a webhook, and whether one of them failed for the last time.
-- $1 tenant   $2 webhook
SELECT count(*) AS waiting, count(*) FILTER (WHERE state = 'failed') > 0 AS has_failed
  FROM webhook_deliveries
 WHERE tenant_id = $1 AND webhook_id = $2 AND state <> 'delivered'
