-- add_sales: add purchases and refunds.
-- $1 tenants   $2 customers   $3 event ids   $4 kinds   $5 ids of purchase or refund   $6 amounts (positive for both)
-- $7 currencies   $8 occurred at   $9 recorded at   $10 partitions   $11 positions
INSERT INTO sales_v1_rN (tenant_id, customer, event_id, kind, thing_id, amount, currency, occurred_at, recorded_at,
                         partition, position)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::numeric[], $7::text[],
              $8::timestamptz[], $9::timestamptz[], $10::smallint[], $11::bigint[])
