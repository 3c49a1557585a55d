-- buyers: the first purchases of customers, of those who have bought.
-- $1 tenants   $2 customers
SELECT b.tenant_id, b.customer_id, b.event_id
  FROM unnest($1::text[], $2::uuid[]) AS k (tenant_id, customer_id)
  JOIN buyers_v1_rN b USING (tenant_id, customer_id)
