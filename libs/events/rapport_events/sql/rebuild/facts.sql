-- facts: the next events of partitions that concern a view, in order; and the last event that was looked at, whatever it is.
-- Each with the tally of all events up to it, whatever they are.
-- $1 partitions   $2 positions after which to begin   $3 events of a partition to look at   $4 bytes of data of a partition
-- $5 nouns (types without their major)   $6 era
SELECT q.partition, e.position, e.tenant_id, e.stream, e.version, e.event_id, e.type, e.schema, e.subject,
       e.data, e.meta, e.occurred_at, e.recorded_at, l.era, e.count,
       (e.total % 2305843009213693951)::bigint AS total, (e.weighted % 2305843009213693951)::bigint AS weighted
  FROM ledger AS l
 CROSS JOIN unnest($1::smallint[], $2::bigint[]) AS q (partition, after)
 CROSS JOIN LATERAL (
       SELECT n.*, max(n.position) OVER () AS last_position
         FROM (SELECT r.*, sum(octet_length(r.data::text)) FILTER (WHERE r.concerns) OVER upto AS bytes,
                      count(*) OVER upto AS count, sum(r.mark) OVER upto AS total,
                      sum(r.mark * r.position) OVER upto AS weighted
                 FROM (SELECT v.*, substring(v.type FROM '^(.*)\.v') = ANY ($5::text[]) AS concerns,
                              crc32(v.event_id::text::bytea) AS mark
                         FROM events AS v
                        WHERE v.partition = q.partition AND v.position > q.after
                        ORDER BY v.position
                        LIMIT $3) AS r
               WINDOW upto AS (ORDER BY r.position ROWS UNBOUNDED PRECEDING)) AS n
        WHERE coalesce(n.bytes, 0) - octet_length(n.data::text) < $4) AS e
 WHERE l.era = $6
   AND l.server_started_at = pg_postmaster_start_time()
   AND (e.concerns OR e.position = e.last_position)
 ORDER BY q.partition, e.position
