-- fill_page: read the next customers whose partition of the search has to be filled.
-- $1 partitions   $2 last tenant   $3 last customer   $4 how many at most
SELECT d.tenant_id, d.customer_id, d.partition, d.version, d.personal
  FROM directory_v1_rN AS d
 WHERE (d.tenant_id, d.customer_id) > ($2, $3)
   AND d.partition = ANY ($1::smallint[])
 ORDER BY d.tenant_id, d.customer_id
 LIMIT $4
