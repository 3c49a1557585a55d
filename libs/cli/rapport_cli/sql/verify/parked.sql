-- parked: the records that readers have set aside and that still wait.
SELECT reader, source, era, partition, position, event_id
  FROM parked
 WHERE released_at IS NULL
 ORDER BY reader, source, era, partition, position
