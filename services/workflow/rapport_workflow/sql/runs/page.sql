-- page: runs of the tenant, the newest first.
-- $1 ids of a party (null: of all)   $2 state (null: any)   $3 the run after which to go on   $4 rows at most
SELECT r.run_id, r.customer AS customer_id, r.event_id, r.rule, r.rule_version, r.trigger_event_id, r.started_at,
       r.state, r.steps, r.waits_for, r.waits_until, r.reason, r.ended_at
  FROM runs_v1 r
 WHERE ($1::uuid[] IS NULL OR r.customer = ANY ($1))
   AND ($2::text IS NULL OR r.state = $2)
   AND ($3::uuid IS NULL
        OR (r.started_at, r.run_id) < (SELECT c.started_at, c.run_id FROM runs_v1 c WHERE c.run_id = $3))
 ORDER BY r.started_at DESC, r.run_id DESC
 LIMIT $4
