-- take: lease timers that are due, the earliest first; those that somebody else works on are passed by.
-- $1 now, by the timers' clock   $2 due at and   $3 id of the timer after which to go on   $4 how many at most
-- $5 seconds of the lease
WITH due AS (
     SELECT t.*
       FROM timers_v1 t
      WHERE t.due_at <= $1
        AND (t.due_at, t.timer_id) > ($2, $3)
        AND NOT EXISTS (
            SELECT
              FROM leases l
             WHERE l.tenant_id = t.tenant_id AND l.thing = t.timer_id AND l.until > clock_timestamp())
      ORDER BY t.due_at, t.timer_id
      LIMIT $4
        FOR UPDATE OF t SKIP LOCKED),
leased AS (
     INSERT INTO leases AS l (tenant_id, thing, until)
     SELECT d.tenant_id, d.timer_id, clock_timestamp() + make_interval(secs => $5)
       FROM due d
         ON CONFLICT (tenant_id, thing) DO UPDATE
        SET until = excluded.until, attempts = l.attempts + 1)
SELECT d.tenant_id, d.timer_id, d.subject, d.about_kind, d.about_id, d.due_at, d.version, d.event_id,
       d.correlation_id, d.recorded_at
  FROM due d
 ORDER BY d.due_at, d.timer_id
