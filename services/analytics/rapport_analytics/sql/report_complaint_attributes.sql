-- report_complaint_attributes: complaints by the value of each attribute, of the complaint and of its last response.
SELECT 'complaint' AS part, a.key, a.value, count(*) AS count, count(*) OVER (PARTITION BY a.key) AS values
  FROM party_complaints c, json_each_text(c.attributes) a
 GROUP BY a.key, a.value
 UNION ALL
SELECT 'response', a.key, a.value, count(*), count(*) OVER (PARTITION BY a.key)
  FROM party_complaints c, json_each_text(c.response_attributes) a
 GROUP BY a.key, a.value
 ORDER BY part, key, count DESC, value
