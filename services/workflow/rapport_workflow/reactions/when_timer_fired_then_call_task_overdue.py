"""When a task is still open at the moment at which it is due, it is overdue."""

from collections.abc import Sequence
from typing import ClassVar

from rapport_events.contracts.workflow import TaskOverdue, TimerFired
from rapport_events.reactions import Known, Reaction, Reply
from rapport_events.view import Fact
from rapport_workflow.heard import TimeCame
from rapport_workflow.task import task_from


class CallOverdue(Reaction):
    """Says of an open task that it is late."""

    name = "call_overdue"
    reads: ClassVar = {TimerFired: TimeCame}

    def streams(self, fact: Fact, known: Known) -> Sequence[str]:
        """Look at the task."""
        event: TimeCame = fact.event
        return (f"task-{event.about.id}",) if event.about.kind == "task" else ()

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        """Say that it is overdue, unless it was closed or moved meanwhile."""
        event: TimeCame = fact.event
        if event.about.kind != "task":
            return ()
        task_id = event.about.id
        events = known.events(fact.tenant, f"task-{task_id}")
        task = task_from(events)
        if task.status != "open" or task.due_at != event.due_at:
            return ()
        overdue = TaskOverdue(task_id=task_id, due_at=event.due_at)
        return [Reply(f"task-{task_id}", (overdue,), len(events))]
