-- queue: have events delivered, once more where they were delivered before.
-- $1 tenant   $2 webhook   $3 now   $4 partitions   $5 positions   $6 event ids   $7 types   $8 subjects
INSERT INTO webhook_deliveries AS d
       (tenant_id, webhook_id, partition, position, event_id, type, subject, state, attempts, next_at)
SELECT $1, $2, n.partition, n.position, n.event_id, n.type, n.subject, 'pending', 0, $3
  FROM unnest($4::smallint[], $5::bigint[], $6::uuid[], $7::text[], $8::text[])
    AS n (partition, position, event_id, type, subject)
    ON CONFLICT ON CONSTRAINT webhook_deliveries_pkey DO UPDATE
   SET event_id = excluded.event_id, type = excluded.type, subject = excluded.subject, state = 'pending', attempts = 0,
       next_at = excluded.next_at
