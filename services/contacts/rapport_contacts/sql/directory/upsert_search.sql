-- upsert_search: store what customers are found by; what is null stays as it was.
-- $1 partitions   $2 tenants   $3 customers   $4 versions   $5 names   $6 e-mail addresses   $7 digits of phone numbers
INSERT INTO directory_search_v1_rN AS s (partition, tenant_id, customer_id, version, name, email, phone)
SELECT *
  FROM unnest($1::smallint[], $2::text[], $3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[])
    ON CONFLICT (partition, tenant_id, customer_id) DO UPDATE
   SET version = excluded.version,
       name = coalesce(excluded.name, s.name),
       email = coalesce(excluded.email, s.email),
       phone = coalesce(excluded.phone, s.phone)
 WHERE s.version <= excluded.version
