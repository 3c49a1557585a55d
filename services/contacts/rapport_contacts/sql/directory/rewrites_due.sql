-- rewrites_due: partitions of the search that are to be rewritten, and can be: nobody sees the deleted rows any more.
-- $1 rebuild
SELECT partition, deleted_by::text AS deleted_by
  FROM directory_rewrites
 WHERE rebuild = $1
   AND deleted_by < pg_snapshot_xmin(pg_current_snapshot())
 ORDER BY partition
