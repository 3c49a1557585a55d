-- true_by: list the ids of customers who had become known by a moment, as far as recorded by another, the newest first.
-- $1 tenant   $2 known at   $3 customer   $4 how many at most   $5 recorded by
SELECT d.customer_id, d.known_at AS at
  FROM directory_v1 AS d
 WHERE d.tenant_id = $1
   AND (d.known_at, d.customer_id) < ($2, $3)
   AND d.recorded_at <= $5
 ORDER BY d.known_at DESC, d.customer_id DESC
 LIMIT $4
