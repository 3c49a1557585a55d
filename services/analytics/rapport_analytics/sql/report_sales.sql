-- report_sales: purchases and refunds in the currency of reports.
-- $1 currency
WITH sums AS (
     SELECT customer,
            count(*) FILTER (WHERE kind = 'purchase') AS purchases,
            sum(amount) FILTER (WHERE kind = 'purchase') AS revenue,
            count(*) FILTER (WHERE kind = 'refund') AS refunds,
            sum(amount) FILTER (WHERE kind = 'refund') AS refunded
       FROM party_sales
      WHERE currency = $1
      GROUP BY customer),
ranked AS (
     SELECT s.*, row_number() OVER (ORDER BY revenue DESC, customer) AS rank, ceil(0.2 * count(*) OVER ()) AS best
       FROM sums s
      WHERE purchases > 0)
SELECT (SELECT count(*) FROM ranked) AS buyers,
       coalesce(sum(purchases), 0) AS purchases,
       coalesce(sum(revenue), 0) AS revenue,
       (SELECT count(*) FROM ranked WHERE rank <= best) AS best_customers,
       (SELECT coalesce(sum(revenue), 0) FROM ranked WHERE rank <= best) AS best_revenue,
       (SELECT count(*) FROM ranked WHERE purchases >= 2) AS repeat_customers,
       coalesce(sum(refunds), 0) AS refunds,
       coalesce(sum(refunded), 0) AS refunded,
       count(*) FILTER (WHERE refunds > 0) AS refund_customers
  FROM sums
