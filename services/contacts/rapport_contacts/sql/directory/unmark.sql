-- unmark: let partitions of the search be filled again.
-- $1 partitions
DELETE FROM directory_search_v1_rN
 WHERE partition = ANY ($1::smallint[])
   AND tenant_id = ''
