"""When a customer complains, somebody has to answer."""

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

import msgspec

from rapport_events.contracts.interactions import CustomerComplained
from rapport_events.contracts.workflow import TaskAbout, TaskCreated
from rapport_events.reactions import Reaction, Reply, thing_id
from rapport_events.view import Fact


class Complained(msgspec.Struct):
    """All that the rule needs of a complaint."""

    case_id: UUID


class AnswerComplaint(Reaction):
    """Opens a task for each complaint."""

    name = "answer_complaint"
    reads: ClassVar = {CustomerComplained: Complained}
    version: ClassVar = "1"

    def reply(self, fact: Fact) -> Sequence[Reply]:
        """Open the task."""
        task_id = thing_id(fact, self.name)
        task = TaskCreated(
            task_id=task_id,
            kind="answer_complaint",
            about=TaskAbout(kind="case", id=fact.event.case_id),
            rule=self.name,
            rule_version=self.version,
        )
        return [Reply(f"task-{task_id}", (task,))]
