-- set_tasks: store tasks as they are after a batch.
-- $1 tenants   $2 tasks   $3 customers   $4 event ids   $5 kinds   $6 kinds of thing   $7 things   $8 rules   $9 runs
-- $10 titles (sealed)   $11 created at   $12 assignees   $13 due at   $14 overdue at   $15 states   $16 outcomes
-- $17 closed at
INSERT INTO tasks_v2_rN (tenant_id, task_id, customer, event_id, kind, about_kind, about_id, rule, run_id, title,
                         created_at, assignee, due_at, overdue_at, state, outcome, closed_at)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::text[],
              $9::uuid[], $10::text[], $11::timestamptz[], $12::text[], $13::timestamptz[], $14::timestamptz[],
              $15::text[], $16::text[], $17::timestamptz[])
    ON CONFLICT (tenant_id, task_id) DO UPDATE
   SET assignee = excluded.assignee,
       due_at = excluded.due_at,
       overdue_at = excluded.overdue_at,
       state = excluded.state,
       outcome = excluded.outcome,
       closed_at = excluded.closed_at
