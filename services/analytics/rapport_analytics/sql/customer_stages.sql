-- customer_stages: the stages that were published under the ids of a party, the latest last.
-- $1 ids of the party   $2 recorded by
SELECT s.stage, s.event_id, s.because
  FROM stages_v1 s
 WHERE s.customer = ANY ($1::uuid[])
   AND s.recorded_at <= $2
 ORDER BY s.recorded_at, s.position
