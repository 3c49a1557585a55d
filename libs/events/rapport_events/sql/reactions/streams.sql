-- streams: the events of streams, each in order of version; at most 1,000 of each.
-- $1 tenants   $2 streams   $3 their partitions
SELECT l.era, e.partition, e.position, e.tenant_id, e.stream, e.version, e.event_id, e.type, e.schema, e.subject, e.data,
       e.meta, e.occurred_at, e.recorded_at
  FROM unnest($1::text[], $2::text[], $3::smallint[]) AS k (tenant_id, stream, partition)
 CROSS JOIN ledger l
 CROSS JOIN LATERAL (
       SELECT *
         FROM events e
        WHERE e.partition = k.partition AND e.tenant_id = k.tenant_id AND e.stream = k.stream
        ORDER BY e.version
        LIMIT 1000) e
 ORDER BY e.tenant_id, e.stream, e.version
