-- report_imports: completed imports, as each service that they wrote into tells of them.
SELECT import_id, mapping, mapping_version, rows, rows_used, skipped, rejected, recorded
  FROM imports_v1
 ORDER BY occurred_at, import_id, source
