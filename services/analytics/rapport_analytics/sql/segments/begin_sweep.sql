-- begin_sweep: have all customers of some tenants decided anew.
-- $1 tenants   $2 segments   $3 reader: a rebuild beside the live one changes nobody
INSERT INTO sweeps (tenant_id, segment_id, customer)
SELECT s.tenant_id, s.segment_id, '00000000-0000-0000-0000-000000000000'
  FROM unnest($1::text[], $2::text[]) AS s (tenant_id, segment_id)
 WHERE NOT EXISTS (SELECT FROM rebuilds r WHERE r.reader = $3 AND r.state <> 'live')
    ON CONFLICT (tenant_id, segment_id) DO UPDATE
   SET customer = excluded.customer
