-- parked_counts: how many of the tenant's records each reader has set aside.
-- $1 readers
SELECT reader, count(*) AS parked
  FROM parked
 WHERE reader = ANY ($1::text[])
   AND released_at IS NULL
 GROUP BY reader
