-- lead: become the only one who delivers this ledger's webhooks, as long as the connection lives.
SELECT pg_try_advisory_lock(7103, 0)
