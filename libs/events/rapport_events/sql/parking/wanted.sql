-- wanted: whose parked records somebody wishes to be tried again, by read model.
SELECT DISTINCT reader, tenant_id, subject, partition
  FROM parked
 WHERE wanted_at IS NOT NULL
   AND released_at IS NULL
 ORDER BY reader, tenant_id, subject
 LIMIT 1000
