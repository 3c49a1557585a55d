-- load: runs as they were before a batch.
-- $1 tenants   $2 runs
SELECT r.tenant_id, r.run_id, r.customer, r.event_id, r.rule, r.rule_version, r.trigger_event_id, r.started_at, r.state,
       r.steps, r.waits_for, r.waits_until, r.reason, r.ended_at
  FROM unnest($1::text[], $2::uuid[]) AS k (tenant_id, run_id)
  JOIN runs_v1_rN r USING (tenant_id, run_id)
