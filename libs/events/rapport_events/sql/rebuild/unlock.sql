-- unlock: let another process fill.
-- $1 number of the lock
SELECT pg_advisory_unlock($1)
