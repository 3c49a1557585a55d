-- park: set records aside with cause and payload, sealed as they came.
-- $1 reader   $2 sources   $3 eras   $4 partitions   $5 positions   $6 event ids   $7 tenants   $8 subjects   $9 types
-- $10 causes   $11 headers (JSON)   $12 values
INSERT INTO parked (reader, source, era, partition, position, event_id, tenant_id, subject, type, cause, headers, value)
SELECT $1, p.source, p.era, p.partition, p.position, p.event_id, p.tenant_id, p.subject, p.type, p.cause, p.headers, p.value
  FROM unnest($2::text[], $3::int[], $4::smallint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[],
              $10::text[], $11::json[], $12::bytea[])
    AS p (source, era, partition, position, event_id, tenant_id, subject, type, cause, headers, value)
    ON CONFLICT DO NOTHING
