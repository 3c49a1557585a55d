-- report_complaints: complaints in all, and by category, channel, channel detail and month; `grouped` tells which.
-- $1 zone
SELECT CASE grouping(category, channel, channel_detail, month)
            WHEN 15 THEN 'all' WHEN 7 THEN 'category' WHEN 11 THEN 'channel' WHEN 13 THEN 'channel_detail' ELSE 'month'
        END AS grouped,
       coalesce(category, channel, channel_detail, month) AS value,
       count(*) AS count,
       count(DISTINCT customer) AS customers,
       count(*) FILTER (WHERE is_answered) AS answered,
       count(*) FILTER (WHERE timely = 'yes') AS timely,
       count(*) FILTER (WHERE timely = 'no') AS untimely
  FROM (SELECT *, to_char(occurred_at AT TIME ZONE $1, 'YYYY-MM') AS month FROM party_complaints) c
 GROUP BY GROUPING SETS ((), (category), (channel), (channel_detail), (month))
 ORDER BY grouped, count DESC, value
