-- lead: become this ledger's only mirror, as long as the connection lives.
SELECT pg_try_advisory_lock(7102, 0)
