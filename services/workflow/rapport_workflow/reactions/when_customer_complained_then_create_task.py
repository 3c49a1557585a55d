"""When a customer complains, somebody has to answer within a day."""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from rapport_events.contracts.interactions import CustomerComplained
from rapport_events.contracts.workflow import TaskAbout, TaskCreated
from rapport_events.reactions import Known, Reaction, Reply
from rapport_events.view import Fact
from rapport_workflow.heard import Complained
from rapport_workflow.task import task_about

ANSWER_WITHIN = timedelta(days=1)
HISTORY_AFTER = timedelta(days=7)
"""A complaint that was recorded so long after it was made is history, as in an import: its answer is not awaited."""


class AnswerComplaint(Reaction):
    """Opens a task for each complaint."""

    name = "answer_complaint"
    reads: ClassVar = {CustomerComplained: Complained}
    version: ClassVar = "2"

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        """Open the task."""
        task_id = task_about(fact.event.case_id, self.name)
        is_history = fact.recorded_at - fact.occurred_at > HISTORY_AFTER
        task = TaskCreated(
            task_id=task_id,
            kind=self.name,
            about=TaskAbout(kind="case", id=fact.event.case_id),
            due_at=None if is_history else fact.occurred_at + ANSWER_WITHIN,
            rule=self.name,
            rule_version=self.version,
        )
        return [Reply(f"task-{task_id}", (task,))]
