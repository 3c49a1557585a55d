-- journey_facts_at: the facts of a party that had happened by a moment, in the suite's order.
-- $1 ids of the party   $2 happened by   $3 recorded by
SELECT j.customer, j.event_id, j.kind, j.occurred_at, j.recorded_at, j.correlation_id, j.source, j.partition
  FROM journey_v1 j
 WHERE j.customer = ANY ($1::uuid[])
   AND j.occurred_at <= $2
   AND j.recorded_at <= $3
 ORDER BY j.recorded_at, j.source, j.partition, j.position
