"""When a run's task is late, the run goes on with the next step, which escalates it."""

from collections.abc import Sequence
from typing import ClassVar

from rapport_events.contracts.workflow import TaskOverdue
from rapport_events.reactions import Known, Reaction, Reply
from rapport_events.view import Fact
from rapport_workflow.heard import TaskLate
from rapport_workflow.rules import rule_of
from rapport_workflow.run import go_on, run_from, run_stream
from rapport_workflow.task import task_from


class Escalate(Reaction):
    """Goes on without the late task."""

    name = "escalate"
    reads: ClassVar = {TaskOverdue: TaskLate}

    def streams(self, fact: Fact, known: Known) -> Sequence[str]:
        """Look at the task, which knows its run, and at that."""
        event: TaskLate = fact.event
        run_id = task_from(known.events(fact.tenant, f"task-{event.task_id}")).run_id
        return (f"task-{event.task_id}", *((run_stream(run_id),) if run_id else ()))

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        """Go on, if the task was not closed meanwhile and the run still waits for it."""
        event: TaskLate = fact.event
        task = task_from(known.events(fact.tenant, f"task-{event.task_id}"))
        if task.run_id is None or task.status != "open":
            return ()
        run = run_from(known.events(fact.tenant, run_stream(task.run_id)))
        rule = rule_of(run.rule, run.rule_version)
        is_last = rule is not None and run.step + 1 >= len(rule.steps)
        if run.status != "active" or run.waits_for != event.task_id or is_last:
            return ()
        return go_on(rule, task.run_id, fact, known, "overdue")
