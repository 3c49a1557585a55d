-- published: the last event of memberships, from the ledger.
-- $1 tenants   $2 streams   $3 their partitions
SELECT k.tenant_id, k.stream, e.version, e.type
  FROM unnest($1::text[], $2::text[], $3::smallint[]) AS k (tenant_id, stream, partition)
 CROSS JOIN LATERAL (
       SELECT e.version, e.type
         FROM events e
        WHERE e.partition = k.partition AND e.tenant_id = k.tenant_id AND e.stream = k.stream
        ORDER BY e.version DESC
        LIMIT 1) e
