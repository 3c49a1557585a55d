-- begin: start the periods of new edges between ids.
-- $1 tenants   $2 customers   $3 others   $4 kinds   $5 known from
INSERT INTO parties_v1_rN (tenant_id, customer, other, kind, known_from)
SELECT e.tenant_id, e.customer, e.other, e.kind, e.known_from
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[])
    AS e (tenant_id, customer, other, kind, known_from)
    ON CONFLICT DO NOTHING
