-- upsert: store customers as they are now.
-- $1 tenants   $2 customers   $3 partitions   $4 versions   $5 kinds   $6 sources   $7 known at   $8 recorded at
-- $9 attributes   $10 personal values, sealed
INSERT INTO directory_v1_rN
       (tenant_id, customer_id, partition, version, kind, source, known_at, recorded_at, attributes, personal)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::smallint[], $4::integer[], $5::text[], $6::text[], $7::timestamptz[],
              $8::timestamptz[], $9::json[], $10::json[])
    ON CONFLICT (tenant_id, customer_id) DO UPDATE
   SET version = excluded.version, attributes = excluded.attributes, personal = excluded.personal
