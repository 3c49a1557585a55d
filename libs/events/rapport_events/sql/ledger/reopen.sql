-- reopen: take appends again, on the server that was compared; no row when it has been restarted since.
-- $1 system identifier   $2 timeline   $3 time of the server's start
UPDATE ledger
   SET is_open = true, system_identifier = $1, timeline = $2, server_started_at = $3
 WHERE $3 = pg_postmaster_start_time()
RETURNING era
