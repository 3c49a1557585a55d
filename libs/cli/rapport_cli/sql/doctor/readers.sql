-- readers: where each reader stands in each line of numbers, for how long it has stood there, and what it has taken.
SELECT reader, source, era, partition, position, tally_after, tally_count, tally_total, tally_weighted,
       extract(epoch FROM clock_timestamp() - moved_at)::float8 AS still_seconds
  FROM checkpoints
