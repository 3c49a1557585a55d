-- begin_sweep: have all customers of some tenants decided anew.
-- $1 tenants   $2 segments
INSERT INTO sweeps (tenant_id, segment_id, customer)
SELECT s.tenant_id, s.segment_id, '00000000-0000-0000-0000-000000000000'
  FROM unnest($1::text[], $2::text[]) AS s (tenant_id, segment_id)
    ON CONFLICT (tenant_id, segment_id) DO UPDATE
   SET customer = excluded.customer
