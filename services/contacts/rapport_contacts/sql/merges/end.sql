-- end: close the periods of merges that no longer hold.
-- $1 tenants   $2 customers   $3 known to
UPDATE merges_v1_rN AS m
   SET known_to = e.known_to
  FROM unnest($1::text[], $2::uuid[], $3::timestamptz[]) AS e (tenant_id, customer_id, known_to)
 WHERE m.tenant_id = e.tenant_id
   AND m.customer_id = e.customer_id
   AND m.known_to IS NULL
   AND m.known_from <= e.known_to
