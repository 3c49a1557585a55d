-- set_tasks: store tasks as they are after a batch.
-- $1 tenants   $2 tasks   $3 customers   $4 event ids   $5 kinds   $6 kinds of thing   $7 things   $8 rules
-- $9 titles (sealed)   $10 created at   $11 assignees   $12 due at   $13 states   $14 outcomes   $15 closed at
INSERT INTO tasks_v1_rN (tenant_id, task_id, customer, event_id, kind, about_kind, about_id, rule, title, created_at,
                         assignee, due_at, state, outcome, closed_at)
SELECT *
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::text[],
              $9::text[], $10::timestamptz[], $11::text[], $12::timestamptz[], $13::text[], $14::text[],
              $15::timestamptz[])
    ON CONFLICT (tenant_id, task_id) DO UPDATE
   SET assignee = excluded.assignee,
       due_at = excluded.due_at,
       state = excluded.state,
       outcome = excluded.outcome,
       closed_at = excluded.closed_at
