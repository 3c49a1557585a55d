-- report_imports: completed imports, each once although every service that it wrote into tells of it.
SELECT DISTINCT ON (import_id) import_id, mapping, mapping_version, rows, rows_used, skipped, rejected, recorded
  FROM imports_v1
 ORDER BY import_id, source
