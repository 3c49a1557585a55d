-- active: the webhooks of all tenants to which something is to be delivered.
SELECT tenant_id, webhook_id, address, types, is_open, secret_version, former_until, state, since, rewinds, restarts,
       registered_at
  FROM webhooks_v1
 WHERE state = 'active'
