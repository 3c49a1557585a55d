-- words: what customers said about consents.
-- $1 tenants   $2 customers
SELECT w.tenant_id, w.customer_id, w.event_id, w.purpose, w.channel, w.is_granted, w.wording_version, w.valid_until,
       w.occurred_at, w.recorded_at, w.partition, w.position
  FROM unnest($1::text[], $2::uuid[]) AS k (tenant_id, customer_id)
  JOIN consent_words_v1_rN w USING (tenant_id, customer_id)
