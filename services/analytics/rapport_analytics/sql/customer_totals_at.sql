-- customer_totals_at: what a party had bought and got back at a moment, by currency, from the facts themselves.
-- $1 ids of the party   $2 happened by   $3 recorded by
SELECT currency,
       count(*) FILTER (WHERE kind = 'purchase')::int AS purchases,
       coalesce(sum(amount) FILTER (WHERE kind = 'purchase'), 0) AS revenue,
       count(*) FILTER (WHERE kind = 'refund')::int AS refunds,
       coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunded,
       min(occurred_at) FILTER (WHERE kind = 'purchase') AS first_purchase_at,
       max(occurred_at) FILTER (WHERE kind = 'purchase') AS last_purchase_at
  FROM sales_v1
 WHERE customer = ANY ($1::uuid[])
   AND occurred_at <= $2
   AND recorded_at <= $3
 GROUP BY currency
 ORDER BY currency
