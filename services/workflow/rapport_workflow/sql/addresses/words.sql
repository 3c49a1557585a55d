-- words: what customers said about a consent, in the order that counts.
-- $1 tenant   $2 customers   $3 purpose
SELECT w.customer_id, w.event_id, w.purpose, w.channel, w.is_granted, w.wording_version, w.valid_until, w.occurred_at,
       w.recorded_at, w.partition, w.position
  FROM consent_words_v1 w
 WHERE w.tenant_id = $1 AND w.customer_id = ANY ($2::uuid[]) AND w.purpose = $3
