-- facts_sales: the purchases or refunds behind a figure, the latest first.
-- $1 kind (purchase or refund)   $2 zone   $3 month (null: any)   $4 and $5 the fact after which to go on (null: from the first)
-- $6 rows at most
SELECT s.event_id, s.customer, s.occurred_at, s.kind AS label, s.amount, s.currency
  FROM sales_v1 s
 WHERE s.kind = $1
   AND ($3::text IS NULL OR to_char(s.occurred_at AT TIME ZONE $2, 'YYYY-MM') = $3)
   AND ($4::timestamptz IS NULL OR (s.occurred_at, s.event_id) < ($4, $5::uuid))
 ORDER BY s.occurred_at DESC, s.event_id DESC
 LIMIT $6
