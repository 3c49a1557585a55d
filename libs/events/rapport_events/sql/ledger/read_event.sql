-- read_event: one event of a tenant by its id.
-- $1 tenant   $2 partition   $3 event id
SELECT l.era, e.partition, e.position, e.tenant_id, e.stream, e.version, e.event_id, e.type, e.schema, e.subject,
       e.data, e.meta, e.occurred_at, e.recorded_at
  FROM events AS e
 CROSS JOIN ledger AS l
 WHERE e.tenant_id = $1 AND e.partition = $2 AND e.event_id = $3
