-- list: a tenant's webhooks with what waits for each, the oldest first.
SELECT w.webhook_id, w.address, w.types, w.is_open, w.secret_version, w.former_until, w.state, w.registered_at,
       d.waiting, d.failed, d.next_at, d.delivered_at
  FROM webhooks_v1 AS w
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE each.state = 'pending') AS waiting,
              count(*) FILTER (WHERE each.state = 'failed') AS failed,
              min(each.next_at) FILTER (WHERE each.state = 'pending') AS next_at,
              max(each.tried_at) FILTER (WHERE each.state = 'delivered') AS delivered_at
         FROM webhook_deliveries AS each
        WHERE each.tenant_id = w.tenant_id AND each.webhook_id = w.webhook_id) AS d
 ORDER BY w.registered_at, w.webhook_id
