-- add_buyers: remember customers who have bought for the first time.
-- $1 tenants   $2 customers   $3 event ids   $4 partitions
INSERT INTO buyers_v1_rN (tenant_id, customer_id, event_id, partition)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::smallint[])
    ON CONFLICT DO NOTHING
