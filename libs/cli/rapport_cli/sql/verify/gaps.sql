-- gaps: the numbers that a partition lacks, as ranges.
-- $1 partition   $2 ranges at most
SELECT g.after + 1 AS first, g.position - 1 AS last
  FROM (SELECT position, lag(position, 1, 0::bigint) OVER (ORDER BY position) AS after
          FROM events
         WHERE partition = $1) AS g
 WHERE g.position <> g.after + 1
 ORDER BY g.position
 LIMIT $2
