-- insert: add what happened.
-- $1 tenants   $2 customers   $3 recorded at   $4 sources   $5 partitions   $6 positions   $7 event ids   $8 types
-- $9 streams   $10 occurred at   $11 roles, null for the event's subject   $12 summaries   $13 pointers   $14 previews
INSERT INTO timeline_v1_rN
       (tenant_id, customer_id, recorded_at, source, partition, position, event_id, type, stream, occurred_at,
        role, summary, pointer, preview)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::text[], $5::smallint[], $6::bigint[], $7::uuid[],
              $8::text[], $9::text[], $10::timestamptz[], $11::text[], $12::json[], $13::text[], $14::text[])
