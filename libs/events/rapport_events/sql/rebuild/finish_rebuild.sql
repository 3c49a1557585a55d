-- finish_rebuild: make the indexes that a rebuild is filled without, and let the planner know its tables.
-- $1 model   $2 rebuild
SELECT finish_rebuild($1, $2)
