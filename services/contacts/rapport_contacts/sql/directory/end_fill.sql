-- end_fill: mark partitions of the search as filled, save those that were unmarked meanwhile.
-- $1 partitions
UPDATE directory_search_v1_rN
   SET name = 'filled'
 WHERE partition = ANY ($1::smallint[])
   AND tenant_id = ''
   AND name = 'filling'
