-- report_contacts: contacts in all, and by channel, channel detail and month; `grouped` tells which.
-- $1 zone
SELECT CASE grouping(channel, channel_detail, month)
            WHEN 7 THEN 'all' WHEN 3 THEN 'channel' WHEN 5 THEN 'channel_detail' ELSE 'month'
        END AS grouped,
       coalesce(channel, channel_detail, month) AS value,
       count(*) AS count,
       count(DISTINCT customer) AS customers,
       count(DISTINCT customer) FILTER (WHERE has_bought) AS successes
  FROM (SELECT *, to_char(occurred_at AT TIME ZONE $1, 'YYYY-MM') AS month FROM party_contacts) c
 GROUP BY GROUPING SETS ((), (channel), (channel_detail), (month))
 ORDER BY grouped, count DESC, value
