-- settle: write down what became of attempts.
-- $1 tenant   $2 webhook   $3 now   $4 partitions   $5 positions   $6 states   $7 times of the next attempt   $8 statuses
-- $9 errors
UPDATE webhook_deliveries AS d
   SET state = n.state, attempts = d.attempts + 1, next_at = n.next_at, status = n.status, error = n.error, tried_at = $3
  FROM unnest($4::smallint[], $5::bigint[], $6::text[], $7::timestamptz[], $8::integer[], $9::text[])
    AS n (partition, position, state, next_at, status, error)
 WHERE d.tenant_id = $1 AND d.webhook_id = $2 AND d.partition = n.partition AND d.position = n.position
   AND d.state = 'pending'
