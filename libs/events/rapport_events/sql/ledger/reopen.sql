-- reopen: take appends again, on the server that was compared; no row when it has been restarted since, or when an era began so lately that somebody may still believe in the one before.
-- $1 system identifier   $2 timeline   $3 time of the server's start   $4 for how long an era is believed in (seconds)
UPDATE ledger
   SET is_open = true, system_identifier = $1, timeline = $2, compared_start = $3, compared_table = tableoid,
       shut_reason = NULL, shut_detail = NULL, shut_at = NULL
 WHERE $3 = pg_postmaster_start_time()
   AND (era_began_at IS NULL OR era_began_at < clock_timestamp() - make_interval(secs => $4))
RETURNING era
