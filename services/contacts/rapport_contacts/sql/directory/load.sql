-- load: read the rows of customers whose profile changes.
-- $1 tenants   $2 customers
SELECT d.tenant_id, d.customer_id, d.partition, d.version, d.kind, d.source, d.known_at, d.recorded_at,
       d.attributes, d.personal
  FROM unnest($1::text[], $2::uuid[]) AS k (tenant_id, customer_id)
  JOIN directory_v1_rN AS d USING (tenant_id, customer_id)
