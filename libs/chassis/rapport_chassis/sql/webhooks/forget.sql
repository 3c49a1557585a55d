-- forget: drop deliveries that were made long ago, and all of webhooks that are gone, up to a number of rows.
-- $1 made before   $2 rows
DELETE FROM webhook_deliveries AS d
 WHERE (d.tenant_id, d.webhook_id, d.partition, d.position) IN (
       SELECT o.tenant_id, o.webhook_id, o.partition, o.position
         FROM webhook_deliveries AS o
        WHERE (o.state = 'delivered' AND o.tried_at < $1)
           OR NOT EXISTS (SELECT FROM webhooks_v1 AS w
                           WHERE w.tenant_id = o.tenant_id AND w.webhook_id = o.webhook_id)
        LIMIT $2)
