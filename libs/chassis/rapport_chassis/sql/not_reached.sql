-- not_reached: how many of these positions read models have not folded yet; a later era is past all earlier ones.
-- One that is filled for the first time is read by nobody yet.
-- $1 models   $2 sources   $3 eras   $4 partitions   $5 positions   (one of each for every position that is waited for)
SELECT count(*)
  FROM unnest($1::text[], $2::text[], $3::int[], $4::smallint[], $5::bigint[])
    AS n (model, source, era, partition, position)
 WHERE NOT EXISTS (
           SELECT FROM rebuilds r
            WHERE r.model = n.model AND r.state = 'filling' AND r.rebuild = 1)
   AND NOT EXISTS (
           SELECT FROM rebuilds r
             JOIN checkpoints c ON c.reader = r.reader
            WHERE r.model = n.model
              AND r.state = 'live'
              AND c.source = n.source
              AND c.partition = n.partition
              AND (c.era > n.era OR (c.era = n.era AND c.position >= n.position)))
