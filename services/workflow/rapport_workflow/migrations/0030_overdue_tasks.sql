-- migrate:up
SET LOCAL lock_timeout = '5s';

-- When a task was found to be late, and the run of the rule that waits for it: a new shape. No release had the old one.
DROP VIEW tasks_v1;
DROP TABLE tasks_v1_r1;
CREATE TABLE tasks_v2_r1 (
    tenant_id    text        NOT NULL,
    task_id      uuid        NOT NULL,
    customer     uuid        NOT NULL,
    event_id     uuid        NOT NULL,
    kind         text        NOT NULL,
    about_kind   text,
    about_id     uuid,
    rule         text,
    run_id       uuid,
    title        text,
    created_at   timestamptz NOT NULL,
    assignee     text,
    due_at       timestamptz,
    overdue_at   timestamptz,
    state        text        NOT NULL,
    outcome      text,
    closed_at    timestamptz,
    CONSTRAINT tasks_v2_r1_pkey PRIMARY KEY (tenant_id, task_id)
);
CREATE INDEX tasks_v2_r1_newest ON tasks_v2_r1 (tenant_id, created_at DESC, task_id DESC);
CREATE INDEX tasks_v2_r1_customer ON tasks_v2_r1 (tenant_id, customer);
SELECT read_model('tasks_v2_r1');
