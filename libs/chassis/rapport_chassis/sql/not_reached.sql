-- not_reached: how many of these positions their readers have not folded yet; a later era is past all earlier ones.
-- $1 readers   $2 sources   $3 eras   $4 partitions   $5 positions   (one of each for every position that is waited for)
SELECT count(*)
  FROM unnest($1::text[], $2::text[], $3::int[], $4::smallint[], $5::bigint[])
    AS n (reader, source, era, partition, position)
 WHERE NOT EXISTS (
           SELECT FROM checkpoints c
            WHERE c.reader = n.reader
              AND c.source = n.source
              AND c.partition = n.partition
              AND (c.era > n.era OR (c.era = n.era AND c.position >= n.position)))
