-- facts_complaints: the complaints behind a figure, the latest first.
-- $1 category (null: any)   $2 zone   $3 month (null: any)   $4 and $5 the fact after which to go on (null: from the first)
-- $6 rows at most
SELECT c.event_id, c.customer, c.occurred_at, c.category AS label, NULL::numeric AS amount, NULL::text AS currency
  FROM complaints_v1 c
 WHERE ($1::text IS NULL OR c.category = $1)
   AND ($3::text IS NULL OR to_char(c.occurred_at AT TIME ZONE $2, 'YYYY-MM') = $3)
   AND ($4::timestamptz IS NULL OR (c.occurred_at, c.event_id) < ($4, $5::uuid))
 ORDER BY c.occurred_at DESC, c.event_id DESC
 LIMIT $6
