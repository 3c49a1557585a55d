-- members: list who is in a segment.
-- $1 segment   $2 the customer before   $3 how many at most
SELECT m.customer, m.version, m.because, m.event_id, m.partition, m.since
  FROM memberships_v1 m
  JOIN segments_v1 s USING (tenant_id, segment_id)
 WHERE m.segment_id = $1
   AND m.is_member
   AND s.is_active
   AND m.customer > $2
 ORDER BY m.customer
 LIMIT $3
