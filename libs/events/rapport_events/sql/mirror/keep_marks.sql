-- keep_marks: write down the marks of partitions in place of those that were there.
-- $1 era   $2 partitions whose marks these are   $3 partition of each mark   $4 offsets   $5 positions   $6 event ids
WITH new AS (
     SELECT partition, record_offset, position, event_id
       FROM unnest($3::smallint[], $4::bigint[], $5::bigint[], $6::text[])
         AS n (partition, record_offset, position, event_id)),
gone AS (
     DELETE FROM mirror_marks AS m
      WHERE m.era = $1
        AND m.partition = ANY ($2::smallint[])
        AND NOT EXISTS (SELECT FROM new AS n
                         WHERE (n.partition, n.record_offset, n.position, n.event_id)
                             = (m.partition, m.record_offset, m.position, m.event_id)))
INSERT INTO mirror_marks (era, partition, record_offset, position, event_id)
SELECT $1, partition, record_offset, position, event_id
  FROM new
    ON CONFLICT ON CONSTRAINT mirror_marks_pkey DO NOTHING
