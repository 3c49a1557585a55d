-- readers: where each reader stands in each line of numbers, and for how long it has stood there.
SELECT reader, source, era, partition, position,
       extract(epoch FROM clock_timestamp() - moved_at)::float8 AS still_seconds
  FROM checkpoints
