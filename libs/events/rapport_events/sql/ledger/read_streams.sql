-- read_streams: the events of streams, each in order of version.
-- $1 tenant   $2 partitions   $3 streams   $4 last version or null   $5 last moment of record or null
SELECT era, partition, position, tenant_id, stream, version, event_id, type, schema, subject, data, meta, occurred_at,
       recorded_at
  FROM read_streams($1, $2, $3, $4, $5)
