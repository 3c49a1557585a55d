-- published_stages: the last stage that was published of each customer, from the ledger.
-- $1 tenants   $2 streams   $3 their partitions
SELECT k.tenant_id, k.stream, e.version, e.data ->> 'stage' AS stage, coalesce(e.data -> 'because', '[]') AS because
  FROM unnest($1::text[], $2::text[], $3::smallint[]) AS k (tenant_id, stream, partition)
 CROSS JOIN LATERAL (
       SELECT e.version, e.data
         FROM events e
        WHERE e.partition = k.partition AND e.tenant_id = k.tenant_id AND e.stream = k.stream
        ORDER BY e.version DESC
        LIMIT 1) e
