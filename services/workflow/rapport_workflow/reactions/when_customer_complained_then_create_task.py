"""When a customer complains, somebody has to answer in time."""

from collections.abc import Sequence
from typing import ClassVar

from rapport_events.contracts.interactions import CustomerComplained
from rapport_events.contracts.workflow import TaskCreated
from rapport_events.reactions import Known, Reaction, Reply
from rapport_events.view import Fact
from rapport_workflow.heard import Complained, is_news
from rapport_workflow.rule import task_of_run
from rapport_workflow.rules import ANSWER_COMPLAINT
from rapport_workflow.run import start


class AnswerComplaint(Reaction):
    """Starts a run for each complaint, which opens a task; an old complaint, as from an import, gets a task alone."""

    name = "answer_complaint"
    reads: ClassVar = {CustomerComplained: Complained}

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        """Open the task."""
        rule = ANSWER_COMPLAINT
        if is_news(fact):
            return start(rule, fact, known)
        task_id = task_of_run(rule.run_of(fact.partition, rule.run_name(fact)), 0)
        task = TaskCreated(
            task_id=task_id, kind=self.name, about=rule.about(fact), rule=rule.name, rule_version=rule.version
        )
        return [Reply(f"task-{task_id}", (task,))]
