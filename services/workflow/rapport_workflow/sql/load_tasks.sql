-- load_tasks: tasks as they were before a batch.
-- $1 tenants   $2 tasks
SELECT t.tenant_id, t.task_id, t.customer, t.event_id, t.kind, t.about_kind, t.about_id, t.rule, t.run_id, t.title,
       t.created_at, t.assignee, t.due_at, t.overdue_at, t.state, t.outcome, t.closed_at
  FROM unnest($1::text[], $2::uuid[]) AS k (tenant_id, task_id)
  JOIN tasks_v2_rN t USING (tenant_id, task_id)
