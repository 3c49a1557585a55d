-- checkpoints: where each reader stands in each line of numbers, and the tally of what it has taken there.
SELECT c.reader, r.state, c.source, c.era, c.partition, c.position, c.tally_after, c.tally_count, c.tally_total,
       c.tally_weighted
  FROM checkpoints AS c
  LEFT JOIN rebuilds AS r ON r.reader = c.reader
 ORDER BY c.reader, c.source, c.era, c.partition
