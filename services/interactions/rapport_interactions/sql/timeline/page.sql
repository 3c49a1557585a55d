-- page: read what happened with a party before a place in the suite's order, newest first; one row for each event.
-- $1 tenant   $2 ids of the party   $3 recorded at   $4 source   $5 partition   $6 position   $7 how many at most
SELECT DISTINCT ON (t.recorded_at, t.source, t.partition, t.position)
       t.customer_id, t.recorded_at, t.source, t.partition, t.position, t.event_id, t.type, t.stream, t.occurred_at,
       t.role, t.summary, t.pointer, t.preview
  FROM unnest($2::uuid[]) AS m (id)
 CROSS JOIN LATERAL (
       SELECT *
         FROM timeline_v1 AS v
        WHERE v.tenant_id = $1
          AND v.customer_id = m.id
          AND (v.recorded_at, v.source, v.partition, v.position) < ($3, $4, $5, $6)
        ORDER BY v.recorded_at DESC, v.source DESC, v.partition DESC, v.position DESC
        LIMIT $7) AS t
 ORDER BY t.recorded_at DESC, t.source DESC, t.partition DESC, t.position DESC, t.role NULLS FIRST
 LIMIT $7
