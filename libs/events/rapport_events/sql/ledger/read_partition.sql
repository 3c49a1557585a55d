-- read_partition: the next events of a partition, of all tenants, in order; for the keeper.
-- $1 partition   $2 position after which to begin   $3 page size (rows)
SELECT l.era, e.partition, e.position, e.tenant_id, e.stream, e.version, e.event_id, e.type, e.schema, e.subject,
       e.data, e.meta, e.occurred_at, e.recorded_at
  FROM events AS e
 CROSS JOIN ledger AS l
 WHERE e.partition = $1 AND e.position > $2
 ORDER BY e.position
 LIMIT $3
