-- begin_sweeps: have all customers of all tenants with segments decided anew.
INSERT INTO sweeps (tenant_id, segment_id, customer)
SELECT s.tenant_id, s.segment_id, '00000000-0000-0000-0000-000000000000'
  FROM segments_v1 s
 WHERE s.is_active
    ON CONFLICT (tenant_id, segment_id) DO UPDATE
   SET customer = excluded.customer
