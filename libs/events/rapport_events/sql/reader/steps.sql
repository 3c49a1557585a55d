-- steps: remember in which order a reader saw the records of several topics, so that a simulation can follow it.
-- $1 reader   $2 sources   $3 partitions   $4 positions
WITH seen AS (
     SELECT s.source, s.partition, s.position, s.o,
            row_number() OVER (PARTITION BY s.partition ORDER BY s.o)
          - row_number() OVER (PARTITION BY s.partition, s.source ORDER BY s.o) AS run
       FROM unnest($2::text[], $3::smallint[], $4::bigint[])
            WITH ORDINALITY AS s (source, partition, position, o)),
runs AS (
     SELECT partition, source, min(o) AS began, min(position) AS position_from, max(position) AS position_to
       FROM seen
      GROUP BY partition, source, run)
INSERT INTO steps (reader, partition, step, source, position_from, position_to)
SELECT $1, r.partition, coalesce(l.step, 0) + row_number() OVER (PARTITION BY r.partition ORDER BY r.began),
       r.source, r.position_from, r.position_to
  FROM runs r
  LEFT JOIN LATERAL (
       SELECT s.step
         FROM steps s
        WHERE s.reader = $1 AND s.partition = r.partition
        ORDER BY s.step DESC
        LIMIT 1) l ON true
