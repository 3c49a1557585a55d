-- begin_fill: mark partitions of the search as being filled.
-- $1 partitions
INSERT INTO directory_search_v1_rN (partition, tenant_id, customer_id, version, name)
SELECT p.number, '', '00000000-0000-0000-0000-000000000000', 0, 'filling'
  FROM unnest($1::smallint[]) AS p (number)
    ON CONFLICT (partition, tenant_id, customer_id) DO UPDATE
   SET name = excluded.name
