-- read_about: the next events of a partition that are about some subjects, in order.
-- $1 tenant   $2 partition   $3 subjects   $4 position after which to begin   $5 page size (rows)
SELECT l.era, e.partition, e.position, e.tenant_id, e.stream, e.version, e.event_id, e.type, e.schema, e.subject,
       e.data, e.meta, e.occurred_at, e.recorded_at
  FROM events AS e
 CROSS JOIN ledger AS l
 WHERE e.tenant_id = $1
   AND e.partition = $2
   AND e.subject = ANY ($3::text[])
   AND e.position > $4
 ORDER BY e.position
 LIMIT $5
