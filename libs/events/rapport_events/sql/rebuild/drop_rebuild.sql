-- drop_rebuild: take the tables of a rebuild away; `dropped`, or why not.
-- $1 model   $2 rebuild
SELECT drop_rebuild($1, $2)
