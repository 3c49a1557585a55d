-- read_at: one event of a tenant by its place.
-- $1 tenant   $2 partition   $3 position
SELECT l.era, e.partition, e.position, e.tenant_id, e.stream, e.version, e.event_id, e.type, e.schema, e.subject,
       e.data, e.meta, e.occurred_at, e.recorded_at
  FROM events AS e
 CROSS JOIN ledger AS l
 WHERE e.tenant_id = $1 AND e.partition = $2 AND e.position = $3
