-- take: lease effects that are to be performed, the oldest first, and say who holds the claim of their receipts.
-- $1 kinds   $2 now, by the timers' clock   $3 how many at most   $4 seconds of the lease
WITH due AS (
     SELECT e.*
       FROM effects_v1 e
      WHERE e.kind = ANY ($1::text[])
        AND NOT EXISTS (
            SELECT
              FROM leases l
             WHERE l.tenant_id = e.tenant_id AND l.thing = e.effect_key
               AND (l.until > clock_timestamp() OR l.not_before > $2))
      ORDER BY e.recorded_at
      LIMIT $3
        FOR UPDATE OF e SKIP LOCKED),
leased AS (
     INSERT INTO leases AS l (tenant_id, thing, until)
     SELECT d.tenant_id, d.effect_key, clock_timestamp() + make_interval(secs => $4)
       FROM due d
         ON CONFLICT (tenant_id, thing) DO UPDATE
        SET until = excluded.until, attempts = l.attempts + 1
  RETURNING l.tenant_id, l.thing, l.attempts)
SELECT d.tenant_id, d.effect_key, d.kind, d.subject, d.stream, d.version, d.event_id, d.decision, d.correlation_id,
       d.recorded_at, l.attempts, c.stream AS performed_in
  FROM due d
  JOIN leased l ON l.tenant_id = d.tenant_id AND l.thing = d.effect_key
  LEFT JOIN claims c ON c.tenant_id = d.tenant_id AND c.kind = 'effect' AND c.digest = uuid_send(d.effect_key)
 ORDER BY d.recorded_at
