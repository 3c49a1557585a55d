-- facts: the next events of partitions that concern a view, in order; and the last event that was looked at, whatever it is.
-- $1 partitions   $2 positions after which to begin   $3 events of a partition to look at   $4 bytes of data of a partition
-- $5 nouns (types without their major)   $6 era
SELECT q.partition, e.position, e.tenant_id, e.stream, e.version, e.event_id, e.type, e.schema, e.subject,
       e.data, e.meta, e.occurred_at, e.recorded_at, l.era
  FROM ledger AS l
 CROSS JOIN unnest($1::smallint[], $2::bigint[]) AS q (partition, after)
 CROSS JOIN LATERAL (
       SELECT n.*, max(n.position) OVER () AS last_position
         FROM (SELECT r.*, sum(octet_length(r.data::text)) FILTER (WHERE r.concerns) OVER (ORDER BY r.position) AS bytes
                 FROM (SELECT v.*, substring(v.type FROM '^(.*)\.v') = ANY ($5::text[]) AS concerns
                         FROM events AS v
                        WHERE v.partition = q.partition AND v.position > q.after
                        ORDER BY v.position
                        LIMIT $3) AS r) AS n
        WHERE coalesce(n.bytes, 0) - octet_length(n.data::text) < $4) AS e
 WHERE l.era = $6
   AND l.server_started_at = pg_postmaster_start_time()
   AND (e.concerns OR e.position = e.last_position)
 ORDER BY q.partition, e.position
