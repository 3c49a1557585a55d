-- forget_commands: delete answers to idempotency keys older than some days, in batches.
-- $1 age (days)   $2 batch size (rows)
DELETE FROM commands
 WHERE ctid = ANY (ARRAY(SELECT c.ctid
                           FROM commands AS c
                          WHERE c.recorded_at < clock_timestamp() - make_interval(days => $1)
                          LIMIT $2))
