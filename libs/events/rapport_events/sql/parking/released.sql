-- released: note that records are parked no longer, and how that came.
-- $1 reader   $2 sources   $3 eras   $4 partitions   $5 positions   $6 `folded`, `replaced` or `discarded`
UPDATE parked p
   SET released_at = clock_timestamp(), released_as = n.released_as, wanted_at = NULL
  FROM unnest($2::text[], $3::int[], $4::smallint[], $5::bigint[], $6::text[])
    AS n (source, era, partition, position, released_as)
 WHERE (p.reader, p.source, p.era, p.partition, p.position) = ($1, n.source, n.era, n.partition, n.position)
