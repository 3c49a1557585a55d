-- of_party: the sealed fields of customers.
-- $1 tenant   $2 customers
SELECT a.customer_id, a.field, a.event_id, a.pointer, a.sealed
  FROM addresses_v1 a
 WHERE a.tenant_id = $1 AND a.customer_id = ANY ($2::uuid[]) AND a.sealed IS NOT NULL
