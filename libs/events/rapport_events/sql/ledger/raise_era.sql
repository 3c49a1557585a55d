-- raise_era: begin a later era of a ledger that is shut; its mirror compares and opens it. No row where it is open, or where the era has been raised meanwhile.
-- $1 era that it is in   $2 era to begin
UPDATE ledger
   SET era = $2, era_began_at = clock_timestamp(), is_open = true,
       system_identifier = NULL, timeline = NULL, compared_start = NULL, compared_table = NULL,
       shut_reason = NULL, shut_detail = NULL, shut_at = NULL
 WHERE era = $1 AND NOT is_open
RETURNING era
