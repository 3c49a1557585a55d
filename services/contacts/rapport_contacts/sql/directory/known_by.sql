-- known_by: list the ids of customers that were recorded by a moment, the newest first.
-- $1 tenant   $2 recorded at   $3 customer   $4 how many at most
SELECT d.customer_id, d.recorded_at AS at
  FROM directory_v1 AS d
 WHERE d.tenant_id = $1
   AND (d.recorded_at, d.customer_id) < ($2, $3)
 ORDER BY d.recorded_at DESC, d.customer_id DESC
 LIMIT $4
