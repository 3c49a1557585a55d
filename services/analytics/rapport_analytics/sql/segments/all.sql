-- all: list the tenant's segments with the count of their members, those in use first.
-- $1 one segment (null: all)
SELECT s.segment_id, s.version, s.name, s.condition, s.is_active, s.event_id, s.partition, s.defined_at,
       CASE WHEN s.is_active
            THEN (SELECT count(*) FROM memberships_v1 m
                   WHERE m.tenant_id = s.tenant_id AND m.segment_id = s.segment_id AND m.is_member)
            ELSE 0 END AS members
  FROM segments_v1 s
 WHERE ($1::text IS NULL OR s.segment_id = $1)
 ORDER BY s.is_active DESC, s.segment_id
