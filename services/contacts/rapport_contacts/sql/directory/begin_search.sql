-- begin_search: mark the search of a new rebuild as filled, partition by partition, as long as it is empty.
INSERT INTO directory_search_v1_rN (partition, tenant_id, customer_id, version, name)
SELECT number, '', '00000000-0000-0000-0000-000000000000', 0, 'filled'
  FROM generate_series(0, 31) AS p (number)
    ON CONFLICT DO NOTHING
