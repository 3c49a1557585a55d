-- store: webhooks as they are now.
-- $1 rows as JSON, for they hold lists
INSERT INTO webhooks_v1_rN AS w
       (tenant_id, webhook_id, address, types, is_open, secret_version, former_until, state, since, rewinds, restarts,
        registered_at)
SELECT n.tenant_id, n.webhook_id, n.address, n.types, n.is_open, n.secret_version, n.former_until, n.state, n.since,
       n.rewinds, n.restarts, n.registered_at
  FROM json_populate_recordset(NULL::webhooks_v1_rN, $1::json) AS n
    ON CONFLICT ON CONSTRAINT webhooks_v1_rN_pkey DO UPDATE
   SET secret_version = excluded.secret_version, former_until = excluded.former_until, state = excluded.state,
       since = excluded.since, rewinds = excluded.rewinds, restarts = excluded.restarts
