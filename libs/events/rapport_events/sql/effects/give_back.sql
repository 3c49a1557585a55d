-- give_back: end a lease, so that the effect is tried again later.
-- $1 tenant   $2 key   $3 not before, by the timers' clock
UPDATE leases
   SET until = clock_timestamp(), not_before = $3
 WHERE tenant_id = $1 AND thing = $2
