-- leave: mark ids whose facts have changed, beside the marks that they have already: nobody waits for whoever took those.
-- Only what the live rebuild has folded leads to events; whether it is the live one is read under its checkpoints' lock.
-- $1 view   $2 tenants   $3 customers   $4 recorded at   $5 reader
INSERT INTO marks (tenant_id, view, customer, recorded_at)
SELECT n.tenant_id, $1, n.customer, min(n.recorded_at)
  FROM unnest($2::text[], $3::uuid[], $4::timestamptz[]) AS n (tenant_id, customer, recorded_at)
 WHERE NOT EXISTS (SELECT FROM rebuilds r WHERE r.reader = $5 AND r.state <> 'live')
 GROUP BY n.tenant_id, n.customer
