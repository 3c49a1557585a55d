"""When a task is due at another moment, its timer is cancelled and another one scheduled."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rapport_events.contracts.workflow import TaskDueChanged, TimerScheduled
from rapport_events.reactions import Known, Reaction, Reply
from rapport_events.timers import cancel_timer, is_waiting, timer_stream
from rapport_events.view import Fact
from rapport_workflow.heard import TaskMoved
from rapport_workflow.task import about_task, due_timer


class MoveTimer(Reaction):
    """Keeps one timer for each open task that is due at some moment."""

    name = "move_timer"
    reads: ClassVar = {TaskDueChanged: TaskMoved}

    def streams(self, fact: Fact, known: Known) -> Sequence[str]:
        """Look at both timers: a task may come back to a moment at which it was due before."""
        event: TaskMoved = fact.event
        return [timer_stream(due_timer(event.task_id, at)) for at in (event.previous, event.due_at) if at is not None]

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        """Cancel the one, schedule the other."""
        return list(self._replies(fact, known))

    def _replies(self, fact: Fact, known: Known) -> Iterator[Reply]:
        event: TaskMoved = fact.event
        about = about_task(event.task_id)
        if event.previous is not None:
            stream, cancelled = cancel_timer(due_timer(event.task_id, event.previous), about, "task_moved")
            events = known.events(fact.tenant, stream)
            if is_waiting(events):
                yield Reply(stream, cancelled, len(events))
        if event.due_at is not None:
            timer_id = due_timer(event.task_id, event.due_at)
            events = known.events(fact.tenant, timer_stream(timer_id))
            if not is_waiting(events):
                scheduled = TimerScheduled(timer_id=timer_id, about=about, due_at=event.due_at)
                yield Reply(timer_stream(timer_id), (scheduled,), len(events))
