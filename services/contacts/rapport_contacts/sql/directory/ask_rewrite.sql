-- ask_rewrite: have partitions of the search rewritten once nobody can see what this transaction has deleted.
-- $1 rebuild   $2 partitions
INSERT INTO directory_rewrites (rebuild, partition, deleted_by)
SELECT $1, p.number, pg_current_xact_id()
  FROM unnest($2::smallint[]) AS p (number)
    ON CONFLICT (rebuild, partition) DO UPDATE
   SET deleted_by = excluded.deleted_by
