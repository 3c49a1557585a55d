-- page: a tenant's next events out of windows of positions, in order within each partition, up to a number of rows and of bytes.
-- $1 tenant   $2 partitions   $3 positions after which to begin   $4 last positions to look at   $5 types or null
-- $6 patterns of types or null   $7 subject or null   $8 rows   $9 bytes of data
SELECT l.era, n.partition, n.position, n.tenant_id, n.stream, n.version, n.event_id, n.type, n.schema, n.subject,
       n.data, n.meta, n.occurred_at, n.recorded_at
  FROM ledger AS l
 CROSS JOIN (
       SELECT e.*, sum(octet_length(e.data)) OVER (ORDER BY e.recorded_at, e.partition, e.position)
                   - octet_length(e.data) AS bytes_before
         FROM (SELECT f.*
                 FROM unnest($2::smallint[], $3::bigint[], $4::bigint[]) AS q (partition, after, upto)
                CROSS JOIN LATERAL (
                      SELECT r.partition, r.position, r.tenant_id, r.stream, r.version, r.event_id, r.type, r.schema,
                             r.subject, r.data::text AS data, r.meta, r.occurred_at, r.recorded_at
                        FROM events AS r
                       WHERE r.partition = q.partition AND r.position > q.after AND r.position <= q.upto
                         AND r.tenant_id = $1
                         AND ($5::text[] IS NULL OR r.type = ANY ($5) OR r.type LIKE ANY ($6::text[]))
                         AND ($7::text IS NULL OR r.subject = $7)
                       ORDER BY r.position
                       LIMIT $8) AS f
                ORDER BY f.recorded_at, f.partition, f.position
                LIMIT $8) AS e) AS n
 WHERE n.bytes_before < $9
 ORDER BY n.recorded_at, n.partition, n.position
