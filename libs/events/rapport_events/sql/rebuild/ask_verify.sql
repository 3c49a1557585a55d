-- ask_verify: have a rebuild compared with the live one; when that was asked for, or null where it is not fed beside it.
-- $1 model   $2 rebuild
SELECT ask_verify($1, $2)
