-- of_customer: list the segments that a party is in.
-- $1 the party's root
SELECT m.segment_id, s.name, m.customer, m.version, m.because, m.event_id, m.partition, m.since
  FROM memberships_v1 m
  JOIN segments_v1 s USING (tenant_id, segment_id)
 WHERE m.customer = $1
   AND m.is_member
   AND s.is_active
 ORDER BY m.segment_id
