-- tallies: of each partition the last position, and the sums over its events as readers keep them; nothing of a large ledger.
-- $1 events at most
SELECT partition, max(position) AS position, count(*) AS count,
       (sum(crc32(event_id::text::bytea)) % 2305843009213693951)::bigint AS total,
       (sum(crc32(event_id::text::bytea) * position) % 2305843009213693951)::bigint AS weighted
  FROM events
 WHERE (SELECT sum(h) FROM ledger_state() AS s, unnest(s.heads) AS h) <= $1
 GROUP BY partition
