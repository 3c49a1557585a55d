-- known_words: all words of customers on consents, in the order in which they count.
-- $1 tenants   $2 customers
SELECT c.tenant_id, c.customer, c.event_id, c.purpose, c.channel, c.is_granted, c.wording_version,
       c.evidence_ref, c.valid_until, c.occurred_at, c.partition, c.recorded_at
  FROM unnest($1::text[], $2::uuid[]) AS k (tenant_id, customer)
  JOIN consents_v1 c USING (tenant_id, customer)
 ORDER BY c.occurred_at, NOT c.is_granted, c.recorded_at, c.partition, c.position
