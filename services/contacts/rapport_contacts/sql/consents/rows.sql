-- rows: read all words of a party on consents that had been said by a moment, in the order in which they count.
-- What was said at one moment counts in the suite's order, a withdrawal last.
-- $1 tenant   $2 ids of the party   $3 happened by   $4 recorded by
SELECT c.customer_id, c.event_id, c.purpose, c.channel, c.is_granted, c.wording_version, c.evidence_ref,
       c.valid_until, c.occurred_at, c.partition
  FROM consents_v1 AS c
 WHERE c.tenant_id = $1
   AND c.customer_id = ANY ($2::uuid[])
   AND c.occurred_at <= $3
   AND c.recorded_at <= $4
 ORDER BY c.occurred_at, NOT c.is_granted, c.recorded_at, c.partition, c.position
