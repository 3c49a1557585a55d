-- keys: keys of commands under which more was recorded than their one answer says.
-- $1 keys at most
SELECT g.key, g.partition, g.position
  FROM (SELECT tenant_id, split_part(meta ->> 'key', '.', 1) AS key, partition, stream, max(position) AS position
          FROM events
         WHERE meta ->> 'key' IS NOT NULL
           AND recorded_at > now() - interval '29 days'
         GROUP BY tenant_id, 2, partition, stream) AS g
  LEFT JOIN commands AS c ON c.tenant_id = g.tenant_id AND c.idempotency_key = decode(g.key, 'hex')
 WHERE NOT coalesce(g.position = ANY (c.positions), false)
 LIMIT $1
