-- drop: forget timers that fired or were cancelled.
-- $1 tenants   $2 timers
DELETE FROM timers_v1_rN t
 USING unnest($1::text[], $2::uuid[]) AS k (tenant_id, timer_id)
 WHERE t.tenant_id = k.tenant_id AND t.timer_id = k.timer_id
