-- parked_record: an event of the tenant as it was set aside, sealed as it came, and what was decided about it.
-- $1 event id
SELECT p.headers, p.value, r.decision, r.reason, r.actor, r.decided_at
  FROM parked p
  LEFT JOIN repairs r ON r.source = p.source AND r.event_id = p.event_id
 WHERE p.event_id = $1
 ORDER BY p.parked_at
 LIMIT 1
