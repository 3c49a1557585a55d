-- customer_stages: every stage that a party has reached, the latest first.
-- $1 ids of the party
SELECT stage, previous, because, customer AS customer_id, event_id, occurred_at
  FROM stages_v1
 WHERE customer = ANY ($1::uuid[])
 ORDER BY recorded_at DESC, position DESC
