-- fill_search: store what customers are found by, where they are still as they were when it was read. The lock makes
-- a fold that erases one of them wait, or be waited for: nobody comes back into the search.
-- $1 partitions   $2 tenants   $3 customers   $4 versions   $5 names   $6 e-mail addresses   $7 digits of phone numbers
INSERT INTO directory_search_v1_rN AS s (partition, tenant_id, customer_id, version, name, email, phone)
SELECT k.partition, k.tenant_id, k.customer_id, k.version, k.name, k.email, k.phone
  FROM unnest($1::smallint[], $2::text[], $3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[])
    AS k (partition, tenant_id, customer_id, version, name, email, phone)
  JOIN directory_v1_rN AS d USING (tenant_id, customer_id)
 WHERE d.version = k.version
   FOR SHARE OF d
    ON CONFLICT (partition, tenant_id, customer_id) DO UPDATE
   SET version = excluded.version,
       name = coalesce(excluded.name, s.name),
       email = coalesce(excluded.email, s.email),
       phone = coalesce(excluded.phone, s.phone)
 WHERE s.version <= excluded.version
