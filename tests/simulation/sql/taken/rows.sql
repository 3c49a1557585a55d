-- rows: all that was taken, of each customer in its order.
SELECT tenant_id, customer, number, partition, position, event_id
  FROM taken_v1_rN
 ORDER BY tenant_id, customer, number
