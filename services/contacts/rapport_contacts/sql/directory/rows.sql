-- rows: read customers by their ids.
-- $1 tenant   $2 customers
SELECT d.customer_id, d.kind, d.source, d.known_at, d.recorded_at, d.attributes, d.personal
  FROM directory_v1 AS d
 WHERE d.tenant_id = $1
   AND d.customer_id = ANY ($2::uuid[])
 ORDER BY d.recorded_at, d.customer_id
