-- rewritten: note that a partition was rewritten, unless somebody was deleted from it meanwhile.
-- $1 rebuild   $2 partition   $3 the deletion that was rewritten
DELETE FROM directory_rewrites
 WHERE rebuild = $1
   AND partition = $2
   AND deleted_by = $3::text::xid8
