-- report_sales_monthly: purchases by month in the tenant's zone.
-- $1 currency   $2 zone
WITH bought AS (
     SELECT customer, amount, to_char(occurred_at AT TIME ZONE $2, 'YYYY-MM') AS month
       FROM party_sales
      WHERE kind = 'purchase' AND currency = $1),
firsts AS (
     SELECT customer, min(month) AS month
       FROM bought
      GROUP BY customer)
SELECT b.month, count(*) AS purchases, sum(b.amount) AS revenue, count(DISTINCT b.customer) AS active_customers,
       (SELECT count(*) FROM firsts f WHERE f.month = b.month) AS new_customers
  FROM bought b
 GROUP BY b.month
 ORDER BY b.month
