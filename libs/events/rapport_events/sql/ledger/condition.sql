-- condition: whether the ledger takes appends, and if not, why.
SELECT era, is_open, server_started_at IS NOT DISTINCT FROM pg_postmaster_start_time() AS is_compared,
       era_began_at, shut_reason, shut_detail, shut_at
  FROM ledger
