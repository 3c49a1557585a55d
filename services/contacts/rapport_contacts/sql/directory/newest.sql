-- newest: list the customers recorded before one of them, newest first; of several ids of one party the first alone.
-- $1 tenant   $2 recorded at   $3 customer   $4 how many at most
SELECT d.customer_id, d.recorded_at
  FROM directory_v1 AS d
 WHERE d.tenant_id = $1
   AND (d.recorded_at, d.customer_id) < ($2, $3)
   AND NOT EXISTS (SELECT FROM parties_v1 AS p
                    WHERE p.tenant_id = d.tenant_id AND p.child = d.customer_id AND p.known_to IS NULL)
 ORDER BY d.recorded_at DESC, d.customer_id DESC
 LIMIT $4
