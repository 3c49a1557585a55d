-- erase: forget where customers could be written to.
-- $1 tenants   $2 customers
DELETE FROM addresses_v1_rN a
 USING unnest($1::text[], $2::uuid[]) AS k (tenant_id, customer_id)
 WHERE a.tenant_id = k.tenant_id AND a.customer_id = k.customer_id
