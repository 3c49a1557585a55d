-- reached: how many events readers have behind them, by source and era.
-- $1 readers
SELECT reader, source, era, sum(position)::bigint AS events
  FROM checkpoints
 WHERE reader = ANY ($1::text[])
 GROUP BY reader, source, era
