-- end: close the open periods of edges that no longer hold.
-- $1 tenants   $2 customers   $3 others   $4 kinds   $5 known to
UPDATE parties_v1_rN p
   SET known_to = e.known_to
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[])
    AS e (tenant_id, customer, other, kind, known_to)
 WHERE p.tenant_id = e.tenant_id
   AND p.customer = e.customer
   AND p.other = e.other
   AND p.kind = e.kind
   AND p.known_to IS NULL
   AND p.known_from <= e.known_to
