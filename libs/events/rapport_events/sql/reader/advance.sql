-- advance: move checkpoints by compare-and-set, in ascending order; fewer rows than named means another owner was here.
-- $1 readers   $2 sources   $3 eras   $4 partitions   $5 positions now   $6 positions then   $7-$9 tallies of what was
-- taken in between: counts, totals, weighted; added to what is there, modulo 2^61 - 1
WITH named AS (
     SELECT *
       FROM unnest($1::text[], $2::text[], $3::int[], $4::smallint[], $5::bigint[], $6::bigint[],
                   $7::bigint[], $8::bigint[], $9::bigint[])
         AS n (reader, source, era, partition, position_now, position_then, count, total, weighted)),
locked AS (
     SELECT c.reader, c.source, c.era, c.partition
       FROM checkpoints c
       JOIN named n USING (reader, source, era, partition)
      ORDER BY c.reader, c.source, c.era, c.partition
        FOR UPDATE OF c)
UPDATE checkpoints c
   SET position = n.position_then,
       moved_at = clock_timestamp(),
       tally_count = c.tally_count + n.count,
       tally_total = (c.tally_total + n.total) % 2305843009213693951,
       tally_weighted = (c.tally_weighted + n.weighted) % 2305843009213693951
  FROM named n
  JOIN locked USING (reader, source, era, partition)
 WHERE c.reader = n.reader
   AND c.source = n.source
   AND c.era = n.era
   AND c.partition = n.partition
   AND c.position = n.position_now
