-- report_other_currencies: sums in currencies other than that of reports.
-- $1 currency of reports
SELECT kind, currency, sum(amount) AS amount
  FROM sales_v1
 WHERE currency <> $1
 GROUP BY kind, currency
 ORDER BY currency
