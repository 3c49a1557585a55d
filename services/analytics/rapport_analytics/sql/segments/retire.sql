-- retire: end segments.
-- $1 tenants   $2 segments
UPDATE segments_v1_rN AS s
   SET is_active = false
  FROM unnest($1::text[], $2::text[]) AS r (tenant_id, segment_id)
 WHERE s.tenant_id = r.tenant_id
   AND s.segment_id = r.segment_id
