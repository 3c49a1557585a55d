-- purge: take persons out of all that was learned of them; what there was a value for still shows.
-- $1 tenants   $2 customers
UPDATE history_v1_rN AS h
   SET personal = (SELECT json_object_agg(p.key, 'redacted') FROM json_each_text(h.personal) AS p)
  FROM unnest($1::text[], $2::uuid[]) AS e (tenant_id, customer_id)
 WHERE h.tenant_id = e.tenant_id
   AND h.customer_id = e.customer_id
   AND h.personal::text <> '{}'
