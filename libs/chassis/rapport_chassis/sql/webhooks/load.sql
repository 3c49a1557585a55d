-- load: webhooks as they are.
-- $1 tenants   $2 webhooks
SELECT w.tenant_id, w.webhook_id, w.address, w.types, w.is_open, w.secret_version, w.former_until, w.state, w.since,
       w.rewinds, w.restarts, w.registered_at
  FROM webhooks_v1_rN AS w
  JOIN unnest($1::text[], $2::uuid[]) AS k (tenant_id, webhook_id) USING (tenant_id, webhook_id)
