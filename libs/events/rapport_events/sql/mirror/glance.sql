-- glance: era, whether this server was compared with the topic, and the last position of each partition.
SELECT s.era, s.heads, l.server_started_at IS NOT DISTINCT FROM pg_postmaster_start_time() AS is_compared
  FROM ledger_state() AS s
 CROSS JOIN ledger AS l
