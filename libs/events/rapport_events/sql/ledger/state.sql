-- state: era, openness, the last position of each partition, and up to which of them the mirror has the topic.
SELECT s.era, s.is_open, s.heads, coalesce(m.reach, array_fill(0::bigint, ARRAY[32])) AS reach
  FROM ledger_state() AS s
  LEFT JOIN mirror_reach AS m ON m.era = s.era
