-- answered: note that a wish was looked after, whatever came of it.
-- $1 reader   $2 tenant   $3 subject   $4 partition
UPDATE parked
   SET wanted_at = NULL
 WHERE reader = $1
   AND tenant_id = $2
   AND subject = $3
   AND partition = $4
   AND wanted_at IS NOT NULL
