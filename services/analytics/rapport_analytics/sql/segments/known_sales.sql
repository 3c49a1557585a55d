-- known_sales: the purchases and refunds of customers, in the suite's order.
-- $1 tenants   $2 customers
SELECT s.tenant_id, s.customer, s.event_id, s.kind, s.amount, s.currency, s.recorded_at
  FROM unnest($1::text[], $2::uuid[]) AS k (tenant_id, customer)
  JOIN sales_v1 s USING (tenant_id, customer)
 ORDER BY s.recorded_at, s.partition, s.position
