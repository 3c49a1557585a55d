-- held: the parked records of a customer in the suite's order.
-- $1 reader   $2 tenant   $3 subject   $4 partition   $5 how many at most
SELECT source, era, partition, position, event_id, type, cause, headers, value
  FROM parked
 WHERE reader = $1
   AND tenant_id = $2
   AND subject = $3
   AND partition = $4
   AND released_at IS NULL
 ORDER BY headers ->> 'ce_recordedtime', source, era, partition, position
 LIMIT $5
