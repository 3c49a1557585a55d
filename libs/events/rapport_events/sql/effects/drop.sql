-- drop: forget effects that have a receipt.
-- $1 tenants   $2 keys
DELETE FROM effects_v1_rN e
 USING unnest($1::text[], $2::uuid[]) AS k (tenant_id, effect_key)
 WHERE e.tenant_id = k.tenant_id AND e.effect_key = k.effect_key
