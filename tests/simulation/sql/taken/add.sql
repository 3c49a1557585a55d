-- add: write down what was taken.
-- $1 tenants   $2 customers   $3 numbers   $4 partitions   $5 positions   $6 event ids
INSERT INTO taken_v1_rN (tenant_id, customer, number, partition, position, event_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::text[])
