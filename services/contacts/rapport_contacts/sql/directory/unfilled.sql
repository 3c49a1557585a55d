-- unfilled: name the partitions of the search that have to be filled: a crash has emptied them, or values were missing.
SELECT p.number::smallint AS partition
  FROM generate_series(0, 31) AS p (number)
 WHERE NOT EXISTS (SELECT FROM directory_search_v1_rN AS s
                    WHERE s.partition = p.number AND s.tenant_id = '' AND s.name = 'filled')
 ORDER BY p.number
