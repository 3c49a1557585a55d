-- lock: let one process fill the rebuilds of a database at a time.
-- $1 number of the lock
SELECT pg_try_advisory_lock($1)
