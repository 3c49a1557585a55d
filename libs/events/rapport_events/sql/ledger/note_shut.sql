-- note_shut: write down why the ledger takes no appends; without effect where it takes them.
-- $1 code   $2 sentence
UPDATE ledger
   SET shut_at = CASE WHEN shut_reason IS DISTINCT FROM $1 THEN clock_timestamp() ELSE shut_at END,
       shut_reason = $1, shut_detail = $2
 WHERE NOT is_open
    OR server_started_at IS DISTINCT FROM pg_postmaster_start_time()
