-- parked_events: the tenant's events that were set aside, the oldest first: by whom, why, and how many wait behind each.
-- $1 cause of those that wait behind another   $2 one event's id, or null   $3 how many at most
SELECT p.source, p.event_id, min(p.era) AS era, min(p.partition) AS partition, min(p.position) AS position,
       min(p.type) AS type, p.tenant_id, p.subject, array_agg(p.reader ORDER BY p.reader) AS readers,
       min(p.cause) AS cause, max(p.tries) AS tries, min(p.parked_at) AS parked_at, max(p.tried_at) AS tried_at,
       bool_or(p.wanted_at IS NOT NULL) AS is_wanted, max(b.behind) AS behind
  FROM parked p
 CROSS JOIN LATERAL (
       SELECT count(*) AS behind
         FROM parked w
        WHERE w.reader = p.reader
          AND w.source = p.source
          AND w.partition = p.partition
          AND w.tenant_id = p.tenant_id
          AND w.subject = p.subject
          AND w.cause = $1
          AND w.released_at IS NULL) b
 WHERE p.released_at IS NULL
   AND (p.cause <> $1 OR p.event_id = $2)
   AND ($2::text IS NULL OR p.event_id = $2)
 GROUP BY p.source, p.event_id, p.tenant_id, p.subject
 ORDER BY min(p.parked_at), p.event_id
 LIMIT $3
