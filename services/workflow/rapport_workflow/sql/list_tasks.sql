-- list_tasks: tasks of the tenant, the newest first.
-- $1 ids of a party (null: of all)   $2 state (null: any)   $3 the task after which to go on   $4 rows at most
SELECT t.task_id, t.customer AS customer_id, t.event_id, t.kind, t.about_kind, t.about_id, t.rule, t.run_id,
       t.title, t.created_at, t.assignee, t.due_at, t.overdue_at, t.state, t.outcome, t.closed_at
  FROM tasks_v2 t
 WHERE ($1::uuid[] IS NULL OR t.customer = ANY ($1))
   AND ($2::text IS NULL OR t.state = $2)
   AND ($3::uuid IS NULL
        OR (t.created_at, t.task_id) < (SELECT c.created_at, c.task_id FROM tasks_v2 c WHERE c.task_id = $3))
 ORDER BY t.created_at DESC, t.task_id DESC
 LIMIT $4
