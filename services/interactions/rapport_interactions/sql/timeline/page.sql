-- page: read what happened with a party before a place, the latest happening first; one row for each event.
-- What happened at one moment stands in the suite's order.
-- $1 tenant   $2 ids of the party   $3 occurred at   $4 recorded at   $5 source   $6 partition   $7 position
-- $8 how many at most   $9 recorded by
SELECT DISTINCT ON (t.occurred_at, t.recorded_at, t.source, t.partition, t.position)
       t.customer_id, t.recorded_at, t.source, t.partition, t.position, t.event_id, t.type, t.stream, t.occurred_at,
       t.role, t.summary, t.pointer, t.preview
  FROM unnest($2::uuid[]) AS m (id)
 CROSS JOIN LATERAL (
       SELECT *
         FROM timeline_v1 AS v
        WHERE v.tenant_id = $1
          AND v.customer_id = m.id
          AND (v.occurred_at, v.recorded_at, v.source, v.partition, v.position) < ($3, $4, $5, $6, $7)
          AND v.recorded_at <= $9
        ORDER BY v.occurred_at DESC, v.recorded_at DESC, v.source DESC, v.partition DESC, v.position DESC
        LIMIT $8) AS t
 ORDER BY t.occurred_at DESC, t.recorded_at DESC, t.source DESC, t.partition DESC, t.position DESC, t.role NULLS FIRST
 LIMIT $8
