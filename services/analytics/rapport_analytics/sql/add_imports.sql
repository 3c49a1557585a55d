-- add_imports: add completed imports; one that was completed again keeps its first counts.
-- $1 tenants   $2 imports   $3 sources   $4 mappings   $5 their versions   $6 rows   $7 rows used   $8 skipped (JSON)
-- $9 rejected (JSON)   $10 recorded (JSON)   $11 occurred at
INSERT INTO imports_v1_rN (tenant_id, import_id, source, mapping, mapping_version, rows, rows_used, skipped, rejected,
                           recorded, occurred_at)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::json[],
              $9::json[], $10::json[], $11::timestamptz[])
    ON CONFLICT DO NOTHING
