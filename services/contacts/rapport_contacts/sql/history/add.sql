-- add: add what was learned of customers.
-- $1 tenants   $2 customers   $3 recorded at   $4 positions   $5 partitions   $6 occurred at   $7 event ids   $8 actors
-- $9 kinds   $10 said   $11 personal values, sealed
INSERT INTO history_v1_rN
       (tenant_id, customer_id, recorded_at, position, partition, occurred_at, event_id, actor, kind, said, personal)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::bigint[], $5::smallint[], $6::timestamptz[], $7::uuid[],
              $8::text[], $9::text[], $10::json[], $11::json[])
