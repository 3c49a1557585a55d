-- upsert: store cards as they are now.
-- $1 tenants   $2 customers   $3 identities
INSERT INTO card_v1_rN (tenant_id, customer_id, identities)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::json[])
    ON CONFLICT (tenant_id, customer_id) DO UPDATE
   SET identities = excluded.identities
