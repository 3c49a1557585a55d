-- add_totals: add a batch's sums to those of its customers.
-- $1 tenants   $2 customers   $3 currencies   $4 purchases   $5 revenue   $6 refunds   $7 refunded
-- $8 first purchases at   $9 last purchases at
INSERT INTO totals_v1_rN AS t (tenant_id, customer, currency, purchases, revenue, refunds, refunded,
                               first_purchase_at, last_purchase_at)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::text[], $4::int[], $5::numeric[], $6::int[], $7::numeric[],
              $8::timestamptz[], $9::timestamptz[])
    ON CONFLICT (tenant_id, customer, currency) DO UPDATE
   SET purchases = t.purchases + excluded.purchases,
       revenue = t.revenue + excluded.revenue,
       refunds = t.refunds + excluded.refunds,
       refunded = t.refunded + excluded.refunded,
       first_purchase_at = least(t.first_purchase_at, excluded.first_purchase_at),
       last_purchase_at = greatest(t.last_purchase_at, excluded.last_purchase_at)
