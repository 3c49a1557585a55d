-- leave: mark ids whose facts have changed, beside the marks that they have already: nobody waits for whoever took those.
-- Only what the live rebuild has folded leads to events; whether it is the live one is read under its checkpoints' lock.
-- $1 view   $2 tenants   $3 customers   $4 partitions of the facts   $5 recorded at   $6 reader
INSERT INTO marks (tenant_id, view, customer, partition, recorded_at)
SELECT n.tenant_id, $1, n.customer, n.partition, min(n.recorded_at)
  FROM unnest($2::text[], $3::uuid[], $4::smallint[], $5::timestamptz[]) AS n (tenant_id, customer, partition, recorded_at)
 WHERE NOT EXISTS (SELECT FROM rebuilds r WHERE r.reader = $6 AND r.state <> 'live')
 GROUP BY n.tenant_id, n.customer, n.partition
