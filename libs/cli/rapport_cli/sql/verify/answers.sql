-- answers: answers to commands, remembered for 30 days, that name no event as they say it.
-- $1 answers at most
SELECT encode(c.idempotency_key, 'hex') AS key, a.partition, a.position
  FROM commands AS c
 CROSS JOIN LATERAL unnest(c.partitions, c.positions, c.versions) AS a (partition, position, version)
  LEFT JOIN events AS e
    ON e.partition = a.partition AND e.position = a.position AND e.tenant_id = c.tenant_id AND e.version = a.version
 WHERE e.position IS NULL
 LIMIT $1
