-- report_settings: zone and currency of the tenant's reports; where none are set, UTC and the currency of most sales.
SELECT coalesce((SELECT zone FROM settings_v1), 'UTC') AS zone,
       coalesce((SELECT currency FROM settings_v1),
                (SELECT currency FROM sales_v1 GROUP BY currency ORDER BY count(*) DESC, currency LIMIT 1)) AS currency,
       (SELECT count(DISTINCT customer) FROM party_customers) AS customers
