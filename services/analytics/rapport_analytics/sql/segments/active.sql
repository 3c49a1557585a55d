-- active: read the segments of tenants that are in use.
-- $1 tenants
SELECT s.tenant_id, s.segment_id, s.version, s.condition, s.event_id, s.recorded_at
  FROM segments_v1 s
 WHERE s.tenant_id = ANY ($1::text[])
   AND s.is_active
