-- parted: of some ids those that were one party with others before.
-- $1 tenants   $2 ids
SELECT k.tenant_id, k.id
  FROM unnest($1::text[], $2::uuid[]) AS k (tenant_id, id)
 WHERE EXISTS (SELECT FROM parties_v1 p WHERE p.tenant_id = k.tenant_id AND p.child = k.id AND p.known_to IS NOT NULL)
    OR EXISTS (SELECT FROM parties_v1 p WHERE p.tenant_id = k.tenant_id AND p.parent = k.id AND p.known_to IS NOT NULL)
