-- leading_facts: the facts of customers that can bring them to another stage, in the suite's order.
-- $1 tenants   $2 customers   $3 rank of the stage that each has reached for good   $4 kinds of facts   $5 the highest
-- rank that each kind can bring a customer to
SELECT j.tenant_id, j.customer, j.event_id, j.kind, j.occurred_at, j.recorded_at, j.correlation_id
  FROM unnest($1::text[], $2::uuid[], $3::integer[]) AS k (tenant_id, customer, reached)
  JOIN journey_v1 j USING (tenant_id, customer)
  JOIN unnest($4::text[], $5::integer[]) AS h (kind, highest) ON h.kind = j.kind AND h.highest > k.reached
 ORDER BY j.recorded_at, j.source, j.partition, j.position
