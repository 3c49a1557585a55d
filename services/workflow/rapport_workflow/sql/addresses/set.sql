-- set: store sealed fields as they are after a batch; a field that was unset has no sealed value.
-- $1 tenants   $2 customers   $3 fields   $4 event ids   $5 pointers   $6 sealed values
INSERT INTO addresses_v1_rN (tenant_id, customer_id, field, event_id, pointer, sealed)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[])
    ON CONFLICT (tenant_id, customer_id, field) DO UPDATE
   SET event_id = excluded.event_id,
       pointer = excluded.pointer,
       sealed = excluded.sealed
