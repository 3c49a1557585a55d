-- set: store runs as they are after a batch.
-- $1 tenants   $2 runs   $3 customers   $4 event ids   $5 rules   $6 their versions   $7 triggers   $8 started at
-- $9 states   $10 steps (JSON)   $11 what they wait for   $12 until   $13 reasons   $14 ended at
INSERT INTO runs_v1_rN (tenant_id, run_id, customer, event_id, rule, rule_version, trigger_event_id, started_at, state,
                        steps, waits_for, waits_until, reason, ended_at)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::timestamptz[],
              $9::text[], $10::json[], $11::text[], $12::timestamptz[], $13::text[], $14::timestamptz[])
    ON CONFLICT (tenant_id, run_id) DO UPDATE
   SET state = excluded.state,
       steps = excluded.steps,
       waits_for = excluded.waits_for,
       waits_until = excluded.waits_until,
       reason = excluded.reason,
       ended_at = excluded.ended_at
