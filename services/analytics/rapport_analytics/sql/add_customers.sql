-- add_customers: add customers that became known.
-- $1 tenants   $2 customers   $3 kinds   $4 sources   $5 attributes (JSON)   $6 occurred at
INSERT INTO customers_v1_rN (tenant_id, customer, kind, source, attributes, occurred_at)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::json[], $6::timestamptz[])
    ON CONFLICT DO NOTHING
