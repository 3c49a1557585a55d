"""When a task is done or off, nothing waits for the moment at which it was due."""

from collections.abc import Sequence
from typing import ClassVar

from rapport_events.contracts.workflow import TaskCancelled, TaskCompleted
from rapport_events.reactions import Known, Reaction, Reply
from rapport_events.timers import cancel_timer, is_waiting, timer_stream
from rapport_events.view import Fact
from rapport_workflow.heard import TaskEnded
from rapport_workflow.task import about_task, due_timer, task_from


class CancelTimer(Reaction):
    """Cancels the timer of a task that was not yet due."""

    name = "cancel_timer"
    reads: ClassVar = {TaskCompleted: TaskEnded, TaskCancelled: TaskEnded}

    def streams(self, fact: Fact, known: Known) -> Sequence[str]:
        """Look at the task, which knows when it was due, and then at the timer of that moment."""
        task_id = fact.event.task_id
        task = task_from(known.events(fact.tenant, f"task-{task_id}"))
        timers = (timer_stream(due_timer(task_id, task.due_at)),) if task.due_at is not None else ()
        return (f"task-{task_id}", *timers)

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        """Cancel it."""
        task_id = fact.event.task_id
        task = task_from(known.events(fact.tenant, f"task-{task_id}"))
        if task.due_at is None:
            return ()
        stream, cancelled = cancel_timer(due_timer(task_id, task.due_at), about_task(task_id), "task_closed")
        events = known.events(fact.tenant, stream)
        return [Reply(stream, cancelled, len(events))] if is_waiting(events) else ()
