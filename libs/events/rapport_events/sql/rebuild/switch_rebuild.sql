-- switch_rebuild: let code read another rebuild; `switched`, or why not.
-- $1 model   $2 rebuild
SELECT switch_rebuild($1, $2)
