-- rows: read the merges of some customers as they were known at a moment.
-- $1 tenant   $2 customers   $3 known at
SELECT m.customer_id, m.survivor_id, m.event_id, m.partition, m.choices, m.merged_at
  FROM merges_v1 AS m
 WHERE m.tenant_id = $1
   AND m.customer_id = ANY ($2::uuid[])
   AND m.known_from <= $3
   AND (m.known_to IS NULL OR m.known_to > $3)
 ORDER BY m.known_from, m.customer_id
