-- failed: note that records could not be folded again, and why.
-- $1 reader   $2 sources   $3 eras   $4 partitions   $5 positions   $6 causes
UPDATE parked p
   SET cause = n.cause, tries = p.tries + 1, tried_at = clock_timestamp()
  FROM unnest($2::text[], $3::int[], $4::smallint[], $5::bigint[], $6::text[])
    AS n (source, era, partition, position, cause)
 WHERE (p.reader, p.source, p.era, p.partition, p.position) = ($1, n.source, n.era, n.partition, n.position)
