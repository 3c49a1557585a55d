-- load: read the cards of some customers.
-- $1 tenants   $2 customers
SELECT c.tenant_id, c.customer_id, c.identities
  FROM unnest($1::text[], $2::uuid[]) AS k (tenant_id, customer_id)
  JOIN card_v1_rN AS c USING (tenant_id, customer_id)
