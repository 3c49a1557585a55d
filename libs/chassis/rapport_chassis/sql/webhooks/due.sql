-- due: of each customer the first event that a webhook has not taken, where its time has come; behind a failed one all wait.
-- $1 tenant   $2 webhook   $3 now   $4 rows
SELECT h.attempts, l.era, e.partition, e.position, e.tenant_id, e.stream, e.version, e.event_id, e.type, e.schema,
       e.subject, e.data, e.meta, e.occurred_at, e.recorded_at
  FROM ledger AS l
 CROSS JOIN (
       SELECT DISTINCT ON (d.subject) d.partition, d.position, d.state, d.attempts, d.next_at
         FROM webhook_deliveries AS d
        WHERE d.tenant_id = $1 AND d.webhook_id = $2 AND d.state <> 'delivered'
        ORDER BY d.subject, d.position) AS h
  JOIN events AS e ON e.partition = h.partition AND e.position = h.position
 WHERE h.state = 'pending' AND h.next_at <= $3
 ORDER BY h.next_at, h.partition, h.position
 LIMIT $4
