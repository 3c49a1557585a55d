-- version: where a stream is.
-- $1 tenant   $2 stream   $3 its partition
SELECT max(e.version)
  FROM events e
 WHERE e.partition = $3 AND e.tenant_id = $1 AND e.stream = $2
