-- mark: mark customers whose facts have changed, where their tenant has segments; beside the marks that they have already.
-- $1 tenants   $2 customers   $3 partitions   $4 recorded at   $5 reader: only the live rebuild marks
INSERT INTO marks AS m (tenant_id, view, customer, partition, recorded_at)
SELECT n.tenant_id, 'segments', n.customer, n.partition, min(n.recorded_at)
  FROM unnest($1::text[], $2::uuid[], $3::smallint[], $4::timestamptz[]) AS n (tenant_id, customer, partition, recorded_at)
 WHERE EXISTS (SELECT FROM segments_v1 s WHERE s.tenant_id = n.tenant_id AND s.is_active)
   AND NOT EXISTS (SELECT FROM rebuilds r WHERE r.reader = $5 AND r.state <> 'live')
 GROUP BY n.tenant_id, n.customer, n.partition
