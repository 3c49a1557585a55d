-- customer_totals: what a party has bought and got back, by currency.
-- $1 ids of the party
SELECT currency, sum(purchases)::int AS purchases, sum(revenue) AS revenue, sum(refunds)::int AS refunds,
       sum(refunded) AS refunded, min(first_purchase_at) AS first_purchase_at, max(last_purchase_at) AS last_purchase_at
  FROM totals_v1
 WHERE customer = ANY ($1::uuid[])
 GROUP BY currency
 ORDER BY currency
