-- tell_reach: write down up to which position the topic holds everything, where that has changed.
-- $1 era   $2 positions by partition
INSERT INTO mirror_reach AS m (era, reach)
VALUES ($1, $2::bigint[])
    ON CONFLICT ON CONSTRAINT mirror_reach_pkey
    DO UPDATE SET era = excluded.era, reach = excluded.reach, told_at = clock_timestamp()
 WHERE (m.era, m.reach) IS DISTINCT FROM (excluded.era, excluded.reach)
