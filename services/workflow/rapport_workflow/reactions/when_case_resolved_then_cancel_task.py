"""When a case is resolved, nobody needs to answer its complaint any more."""

from collections.abc import Iterator, Sequence
from typing import ClassVar
from uuid import UUID

from rapport_events.contracts.interactions import CaseResolved
from rapport_events.contracts.workflow import TaskCancelled
from rapport_events.reactions import Known, Reaction, Reply
from rapport_events.view import Fact
from rapport_workflow.heard import Resolved
from rapport_workflow.rule import task_of_run
from rapport_workflow.rules import ANSWER_COMPLAINT
from rapport_workflow.task import task_from


class CancelAnswer(Reaction):
    """Cancels the open tasks of a complaint whose case was resolved first."""

    name = "cancel_answer"
    reads: ClassVar = {CaseResolved: Resolved}

    def streams(self, fact: Fact, known: Known) -> Sequence[str]:
        """Look at the tasks that the rule opens."""
        return [f"task-{task_id}" for task_id in _tasks(fact)]

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        """Cancel those that are open."""
        return list(self._replies(fact, known))

    def _replies(self, fact: Fact, known: Known) -> Iterator[Reply]:
        for task_id in _tasks(fact):
            events = known.events(fact.tenant, f"task-{task_id}")
            if task_from(events).status == "open":
                yield Reply(f"task-{task_id}", (TaskCancelled(task_id=task_id, reason="case_resolved"),), len(events))


def _tasks(fact: Fact) -> list[UUID]:
    resolved: Resolved = fact.event
    run_id = ANSWER_COMPLAINT.run_of(fact.partition, str(resolved.case_id))
    return [task_of_run(run_id, step) for step in range(len(ANSWER_COMPLAINT.steps))]
