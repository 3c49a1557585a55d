-- counts: what was there before the keys were destroyed.
-- $1 tenant   $2 request
SELECT events, sealed
  FROM erasure_counts
 WHERE tenant_id = $1
   AND request_id = $2
