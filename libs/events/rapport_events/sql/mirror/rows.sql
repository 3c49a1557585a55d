-- rows: the next events of partitions, in order, up to a number of rows and of bytes each; none in another era, and none on a server that was not compared with the topic.
-- $1 partitions   $2 positions after which to begin   $3 rows of a partition   $4 bytes of data of a partition   $5 era
SELECT q.partition, e.position, e.tenant_id, e.stream, e.version, e.event_id, e.type, e.schema, e.subject,
       e.data, e.meta, e.occurred_at, e.recorded_at
  FROM ledger AS l
 CROSS JOIN unnest($1::smallint[], $2::bigint[]) AS q (partition, after)
 CROSS JOIN LATERAL (
       SELECT n.*, sum(octet_length(n.data)) OVER (ORDER BY n.position) - octet_length(n.data) AS bytes_before
         FROM (SELECT r.position, r.tenant_id, r.stream, r.version, r.event_id, r.type, r.schema, r.subject,
                      convert_to(r.data::text, 'UTF8') AS data, r.meta, r.occurred_at, r.recorded_at
                 FROM events AS r
                WHERE r.partition = q.partition AND r.position > q.after
                ORDER BY r.position
                LIMIT $3) AS n) AS e
 WHERE l.era = $5
   AND l.server_started_at = pg_postmaster_start_time()
   AND e.bytes_before < $4
