-- add_journey: add facts that decide stages.
-- $1 tenants   $2 customers   $3 event ids   $4 kinds   $5 occurred at   $6 recorded at   $7 sources   $8 partitions
-- $9 positions   $10 correlation ids
INSERT INTO journey_v1_rN (tenant_id, customer, event_id, kind, occurred_at, recorded_at, source, partition, position,
                           correlation_id)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[],
              $8::smallint[], $9::bigint[], $10::text[])
