"""When a task has a moment at which it is due, a timer waits for it."""

from collections.abc import Sequence
from typing import ClassVar

from rapport_events.contracts.workflow import TaskCreated, TimerScheduled
from rapport_events.reactions import Known, Reaction, Reply
from rapport_events.timers import timer_stream
from rapport_events.view import Fact
from rapport_workflow.heard import TaskBegan
from rapport_workflow.task import about_task, due_timer


class WaitForTask(Reaction):
    """Schedules the timer of a task."""

    name = "wait_for_task"
    reads: ClassVar = {TaskCreated: TaskBegan}

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        """Schedule it."""
        task_id, due_at = fact.event.task_id, fact.event.due_at
        if due_at is None:
            return ()
        timer_id = due_timer(task_id, due_at)
        timer = TimerScheduled(timer_id=timer_id, about=about_task(task_id), due_at=due_at)
        return [Reply(timer_stream(timer_id), (timer,))]
