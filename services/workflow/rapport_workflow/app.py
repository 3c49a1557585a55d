"""Workflow as one value: the only file that knows all of its slices."""

from typing import ClassVar

from rapport_chassis.service import Service
from rapport_events.codec import published_by
from rapport_events.parties import Parties
from rapport_events.reactions import Reaction, Reactions
from rapport_workflow.commands import assign_task, cancel_task, complete_task, create_task
from rapport_workflow.reactions.when_customer_complained_then_create_task import AnswerComplaint
from rapport_workflow.views.tasks import Tasks, router


class WorkflowReactions(Reactions):
    """Every rule of workflow, behind one checkpoint."""

    reactions: ClassVar[tuple[Reaction, ...]] = (AnswerComplaint(),)


service = Service(
    name="workflow",
    package="rapport_workflow",
    publishes=published_by("workflow"),
    handlers=(create_task.HANDLER, assign_task.HANDLER, complete_task.HANDLER, cancel_task.HANDLER),
    views=(Parties(), Tasks(), WorkflowReactions()),
    routers=(router,),
)
