-- tidy: forget leases that ended long ago.
-- $1 days since then
DELETE FROM leases
 WHERE until < clock_timestamp() - make_interval(days => $1)
