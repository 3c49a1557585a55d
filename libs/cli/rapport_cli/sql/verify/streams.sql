-- streams: streams whose versions are not 1, 2, 3 and so on to their last.
-- $1 streams at most
SELECT partition, stream, count(*) AS count, max(version) AS version
  FROM events
 GROUP BY partition, tenant_id, stream
HAVING count(*) <> max(version)
 LIMIT $1
