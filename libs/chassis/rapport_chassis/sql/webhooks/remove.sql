-- remove: forget webhooks that are gone.
-- $1 tenants   $2 webhooks
DELETE FROM webhooks_v1_rN AS w
 USING unnest($1::text[], $2::uuid[]) AS k (tenant_id, webhook_id)
 WHERE (w.tenant_id, w.webhook_id) = (k.tenant_id, k.webhook_id)
