-- open: the erasures that are not completed, the oldest first.
-- $1 how many at most
SELECT o.tenant_id, o.request_id, o.customer_ids, o.event_id, o.correlation_id, o.recorded_at
  FROM (SELECT DISTINCT ON (p.tenant_id, p.request_id)
               p.tenant_id, p.request_id, p.customer_ids, p.event_id, p.correlation_id, p.recorded_at
          FROM privacy_v1 AS p
         WHERE p.kind = 'erasure'
           AND p.state = 'open'
         ORDER BY p.tenant_id, p.request_id, p.recorded_at DESC) AS o
 ORDER BY o.recorded_at, o.request_id
 LIMIT $1
