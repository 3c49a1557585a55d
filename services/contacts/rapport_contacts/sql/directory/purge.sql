-- purge: take erased customers out of the search.
-- $1 partitions   $2 tenants   $3 customers
DELETE FROM directory_search_v1_rN AS s
 USING unnest($1::smallint[], $2::text[], $3::uuid[]) AS k (partition, tenant_id, customer_id)
 WHERE (s.partition, s.tenant_id, s.customer_id) = (k.partition, k.tenant_id, k.customer_id)
