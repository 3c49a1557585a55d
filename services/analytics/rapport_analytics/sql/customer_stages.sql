-- customer_stages: every stage that a party has reached, the latest first, with the facts that decided it.
-- $1 ids of the party   $2 recorded by
SELECT s.stage, s.previous, s.customer AS customer_id, s.event_id, s.occurred_at,
       coalesce((SELECT json_agg(json_build_object('event_id', j.event_id, 'source', j.source, 'partition', j.partition,
                                                   'kind', j.kind, 'occurred_at', j.occurred_at)
                                 ORDER BY j.recorded_at)
                   FROM journey_v1 j
                  WHERE j.customer = ANY ($1::uuid[]) AND j.event_id = ANY (s.because)), '[]') AS because
  FROM stages_v1 s
 WHERE s.customer = ANY ($1::uuid[])
   AND s.recorded_at <= $2
 ORDER BY s.recorded_at DESC, s.position DESC
