-- define: store segments as they are defined now.
-- $1 tenants   $2 segments   $3 versions   $4 names   $5 conditions   $6 event ids   $7 partitions   $8 defined at
-- $9 recorded at
INSERT INTO segments_v1_rN
       (tenant_id, segment_id, version, name, condition, event_id, partition, defined_at, recorded_at, is_active)
SELECT d.*, true
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::json[], $6::uuid[], $7::smallint[],
              $8::timestamptz[], $9::timestamptz[]) AS d
    ON CONFLICT (tenant_id, segment_id) DO UPDATE
   SET version = excluded.version, name = excluded.name, condition = excluded.condition,
       event_id = excluded.event_id, partition = excluded.partition, defined_at = excluded.defined_at,
       recorded_at = excluded.recorded_at, is_active = true
