-- read_at: events of a tenant by their places.
-- $1 tenant   $2 partitions   $3 positions
SELECT l.era, e.partition, e.position, e.tenant_id, e.stream, e.version, e.event_id, e.type, e.schema, e.subject,
       e.data, e.meta, e.occurred_at, e.recorded_at
  FROM unnest($2::smallint[], $3::bigint[]) AS k (partition, position)
  JOIN events AS e USING (partition, position)
 CROSS JOIN ledger AS l
 WHERE e.tenant_id = $1
