-- ledger: who leads, and the last positions.
SELECT s.heads,
       EXISTS (SELECT
                 FROM pg_locks
                WHERE locktype = 'advisory' AND classid = 7102 AND objid = 0 AND granted
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS is_led
  FROM ledger_state() AS s
