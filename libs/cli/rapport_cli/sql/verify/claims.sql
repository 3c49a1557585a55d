-- claims: claims that were made for events which are not there.
-- $1 claims at most
SELECT k.kind, k.event_id
  FROM claims AS k
 WHERE NOT EXISTS (SELECT FROM events AS e WHERE e.event_id = k.event_id)
 LIMIT $1
