-- known_traits: the attributes of customers as they are now.
-- $1 tenants   $2 customers
SELECT t.tenant_id, t.customer, t.name, t.value, t.event_id, t.recorded_at
  FROM unnest($1::text[], $2::uuid[]) AS k (tenant_id, customer)
  JOIN traits_v1 t USING (tenant_id, customer)
 ORDER BY t.customer
