-- set_traits: store attributes as they are now.
-- $1 tenants   $2 customers   $3 names   $4 values   $5 event ids   $6 partitions   $7 occurred at   $8 recorded at
INSERT INTO traits_v1_rN (tenant_id, customer, name, value, event_id, partition, occurred_at, recorded_at)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::text[], $4::json[], $5::uuid[], $6::smallint[], $7::timestamptz[],
              $8::timestamptz[])
    ON CONFLICT (tenant_id, customer, name) DO UPDATE
   SET value = excluded.value, event_id = excluded.event_id, occurred_at = excluded.occurred_at,
       recorded_at = excluded.recorded_at
