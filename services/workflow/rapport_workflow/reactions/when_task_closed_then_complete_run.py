"""When a run's task is done or off, the run is over, and so are its other tasks."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rapport_events.contracts.workflow import (
    RunCompleted,
    RunStepCompleted,
    TaskCancelled,
    TaskCompleted,
)
from rapport_events.reactions import Known, Reaction, Reply
from rapport_events.view import Fact
from rapport_workflow.heard import TaskEnded
from rapport_workflow.run import run_from, run_stream
from rapport_workflow.task import task_from


class CompleteRun(Reaction):
    """Ends the run of a task."""

    name = "complete_run"
    reads: ClassVar = {TaskCompleted: TaskEnded, TaskCancelled: TaskEnded}

    def streams(self, fact: Fact, known: Known) -> Sequence[str]:
        """Look at the task, at its run, and at the run's other tasks."""
        event: TaskEnded = fact.event
        run_id = task_from(known.events(fact.tenant, f"task-{event.task_id}")).run_id
        if run_id is None:
            return (f"task-{event.task_id}",)
        run = run_from(known.events(fact.tenant, run_stream(run_id)))
        return (f"task-{event.task_id}", run_stream(run_id), *(f"task-{task_id}" for task_id in run.tasks))

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        """Say that the run is over."""
        return list(self._replies(fact, known))

    def _replies(self, fact: Fact, known: Known) -> Iterator[Reply]:
        event: TaskEnded = fact.event
        task = task_from(known.events(fact.tenant, f"task-{event.task_id}"))
        if task.run_id is None:
            return
        events = known.events(fact.tenant, run_stream(task.run_id))
        run = run_from(events)
        if run.status != "active":
            return
        outcome = "done" if task.status == "completed" else "cancelled"
        ended = RunStepCompleted(run_id=task.run_id, step=run.step, kind="task", outcome=outcome)
        yield Reply(run_stream(task.run_id), (ended, RunCompleted(run_id=task.run_id)), len(events))
        for other in run.tasks:
            events = known.events(fact.tenant, f"task-{other}")
            if task_from(events).status == "open":
                yield Reply(f"task-{other}", (TaskCancelled(task_id=other, reason="run_completed"),), len(events))
