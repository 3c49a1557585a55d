-- known_totals: what customers have bought and got back, by currency.
-- $1 tenants   $2 customers
SELECT t.tenant_id, t.customer, t.currency, t.purchases, t.revenue, t.refunds, t.refunded
  FROM unnest($1::text[], $2::uuid[]) AS k (tenant_id, customer)
  JOIN totals_v1 t USING (tenant_id, customer)
