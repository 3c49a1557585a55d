-- facts: read what had happened by a moment, and was recorded by another, to some customers.
-- $1 tenant   $2 customers   $3 kinds   $4 happened by   $5 recorded by
SELECT h.customer_id, h.recorded_at, h.position, h.partition, h.occurred_at, h.event_id, h.actor, h.kind, h.said,
       h.personal
  FROM history_v1 AS h
 WHERE h.tenant_id = $1
   AND h.customer_id = ANY ($2::uuid[])
   AND h.kind = ANY ($3::text[])
   AND h.occurred_at <= $4
   AND h.recorded_at <= $5
