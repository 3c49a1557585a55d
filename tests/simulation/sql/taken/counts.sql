-- counts: how many facts of customers were taken.
-- $1 tenants   $2 customers
SELECT t.tenant_id, t.customer, count(*)::int AS count
  FROM taken_v1_rN t
  JOIN unnest($1::text[], $2::text[]) AS n (tenant_id, customer) USING (tenant_id, customer)
 GROUP BY t.tenant_id, t.customer
