-- journey_facts: the facts of customers that decide their stage, in the suite's order.
-- $1 tenants   $2 customers
SELECT j.tenant_id, j.customer, j.event_id, j.kind, j.occurred_at, j.recorded_at, j.correlation_id
  FROM unnest($1::text[], $2::uuid[]) AS k (tenant_id, customer)
  JOIN journey_v1 j USING (tenant_id, customer)
 ORDER BY j.recorded_at, j.source, j.partition, j.position
