-- parked: how many records each reader has set aside, of all tenants.
SELECT reader, count(*) AS parked
  FROM parked
 WHERE released_at IS NULL
 GROUP BY reader
