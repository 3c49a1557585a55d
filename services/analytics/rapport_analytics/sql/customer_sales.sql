-- customer_sales: the purchases and refunds behind a party's totals, the latest first.
-- $1 ids of the party   $2 rows at most   $3 happened by   $4 recorded by
SELECT kind, thing_id, event_id, partition, position, amount, currency, occurred_at
  FROM sales_v1
 WHERE customer = ANY ($1::uuid[])
   AND occurred_at <= $3
   AND recorded_at <= $4
 ORDER BY occurred_at DESC, event_id
 LIMIT $2
