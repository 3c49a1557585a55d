"""When a case is resolved, nobody needs to answer its complaint any more."""

from collections.abc import Sequence
from typing import ClassVar

from rapport_events.contracts.interactions import CaseResolved
from rapport_events.contracts.workflow import TaskCancelled
from rapport_events.reactions import Known, Reaction, Reply
from rapport_events.view import Fact
from rapport_workflow.heard import Resolved
from rapport_workflow.reactions.when_customer_complained_then_create_task import AnswerComplaint
from rapport_workflow.task import task_about, task_of


class CancelAnswer(Reaction):
    """Cancels the open task of a complaint whose case was resolved first."""

    name = "cancel_answer"
    reads: ClassVar = {CaseResolved: Resolved}

    def streams(self, fact: Fact, known: Known) -> Sequence[str]:
        """Look at the complaint's task."""
        return (f"task-{task_about(fact.event.case_id, AnswerComplaint.name)}",)

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        """Cancel it where it is open."""
        task_id = task_about(fact.event.case_id, AnswerComplaint.name)
        events = known.events(fact.tenant, f"task-{task_id}")
        task = task_of(events)
        if task.status != "open":
            return ()
        cancelled = TaskCancelled(task_id=task_id, reason="case_resolved")
        return [Reply(f"task-{task_id}", (cancelled,), len(events))]
