-- ledger: era, openness, whether this very start of the server was compared with the topic, who leads, last positions.
SELECT s.era, s.is_open, s.heads,
       l.server_started_at IS NOT DISTINCT FROM pg_postmaster_start_time() AS is_compared,
       EXISTS (SELECT
                 FROM pg_locks
                WHERE locktype = 'advisory' AND classid = 7102 AND objid = 0 AND granted
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS is_led
  FROM ledger_state() AS s
 CROSS JOIN ledger AS l
