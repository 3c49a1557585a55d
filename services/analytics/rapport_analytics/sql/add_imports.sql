-- add_imports: add completed imports; of one that was completed again the last counts are kept.
-- $1 tenants   $2 imports   $3 sources   $4 mappings   $5 their versions   $6 rows   $7 rows used   $8 skipped (JSON)
-- $9 rejected (JSON)   $10 recorded (JSON)   $11 occurred at
  WITH told AS (
       SELECT DISTINCT ON (tenant_id, import_id, source)
              tenant_id, import_id, source, mapping, mapping_version, rows, rows_used, skipped, rejected, recorded,
              occurred_at
         FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                     $8::json[], $9::json[], $10::json[], $11::timestamptz[])
              WITH ORDINALITY
              AS given (tenant_id, import_id, source, mapping, mapping_version, rows, rows_used, skipped, rejected,
                        recorded, occurred_at, number)
        ORDER BY tenant_id, import_id, source, number DESC)
INSERT INTO imports_v1_rN (tenant_id, import_id, source, mapping, mapping_version, rows, rows_used, skipped, rejected,
                           recorded, occurred_at)
SELECT tenant_id, import_id, source, mapping, mapping_version, rows, rows_used, skipped, rejected, recorded, occurred_at
  FROM told
    ON CONFLICT (tenant_id, import_id, source) DO UPDATE
   SET rows = EXCLUDED.rows, rows_used = EXCLUDED.rows_used, skipped = EXCLUDED.skipped,
       rejected = EXCLUDED.rejected, recorded = EXCLUDED.recorded, occurred_at = EXCLUDED.occurred_at
