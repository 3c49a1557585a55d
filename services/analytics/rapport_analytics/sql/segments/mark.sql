-- mark: mark customers whose facts have changed, where their tenant has segments; beside the marks that they have already.
-- $1 tenants   $2 customers   $3 recorded at   $4 reader: only the live rebuild marks
INSERT INTO marks (tenant_id, view, customer, recorded_at)
SELECT n.tenant_id, 'segments', n.customer, min(n.recorded_at)
  FROM unnest($1::text[], $2::uuid[], $3::timestamptz[]) AS n (tenant_id, customer, recorded_at)
 WHERE EXISTS (SELECT FROM segments_v1 s WHERE s.tenant_id = n.tenant_id AND s.is_active)
   AND NOT EXISTS (SELECT FROM rebuilds r WHERE r.reader = $4 AND r.state <> 'live')
 GROUP BY n.tenant_id, n.customer
