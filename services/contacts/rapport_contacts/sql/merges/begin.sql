-- begin: add merges.
-- $1 tenants   $2 customers   $3 survivors   $4 event ids   $5 partitions   $6 choices   $7 merged at   $8 known from
INSERT INTO merges_v1_rN
       (tenant_id, customer_id, survivor_id, event_id, partition, choices, merged_at, known_from)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::smallint[], $6::json[], $7::timestamptz[],
              $8::timestamptz[])
