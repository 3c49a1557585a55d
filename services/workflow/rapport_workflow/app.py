"""Workflow as one value: the only file that knows all of its slices."""

from typing import ClassVar

from rapport_chassis.service import Service
from rapport_chassis.webhooks import commands as webhooks
from rapport_chassis.webhooks.view import Webhooks
from rapport_events.codec import published_by
from rapport_events.effects import Effects
from rapport_events.parties import Parties
from rapport_events.reactions import Reaction, Reactions
from rapport_events.timers import Timers
from rapport_workflow.commands import assign_task, cancel_task, complete_task, create_task, postpone_task
from rapport_workflow.mail import make_mail_performer
from rapport_workflow.memory import Customers
from rapport_workflow.reactions.when_case_resolved_then_cancel_task import CancelAnswer
from rapport_workflow.reactions.when_customer_complained_then_create_task import AnswerComplaint
from rapport_workflow.reactions.when_customer_purchased_then_start_run import ThankForFirstPurchase
from rapport_workflow.reactions.when_effect_ended_then_continue_run import ContinueAfterEffect
from rapport_workflow.reactions.when_task_closed_then_cancel_timer import CancelTimer
from rapport_workflow.reactions.when_task_closed_then_complete_run import CompleteRun
from rapport_workflow.reactions.when_task_created_then_schedule_timer import WaitForTask
from rapport_workflow.reactions.when_task_due_changed_then_move_timer import MoveTimer
from rapport_workflow.reactions.when_task_overdue_then_continue_run import Escalate
from rapport_workflow.reactions.when_timer_fired_then_call_task_overdue import CallOverdue
from rapport_workflow.reactions.when_timer_fired_then_continue_run import ContinueAfterTime
from rapport_workflow.views.addresses import Addresses
from rapport_workflow.views.runs import Runs, router as runs
from rapport_workflow.views.tasks import Tasks, router as tasks


class WorkflowReactions(Reactions):
    """Every rule of workflow, behind one checkpoint."""

    memory: ClassVar = Customers
    reactions: ClassVar[tuple[Reaction, ...]] = (
        AnswerComplaint(),
        ThankForFirstPurchase(),
        CancelAnswer(),
        WaitForTask(),
        MoveTimer(),
        CancelTimer(),
        CallOverdue(),
        ContinueAfterTime(),
        ContinueAfterEffect(),
        Escalate(),
        CompleteRun(),
    )


service = Service(
    name="workflow",
    package="rapport_workflow",
    publishes=published_by("workflow"),
    handlers=(
        create_task.HANDLER,
        assign_task.HANDLER,
        postpone_task.HANDLER,
        complete_task.HANDLER,
        cancel_task.HANDLER,
        *webhooks.HANDLERS,
    ),
    views=(Parties(), Tasks(), Runs(), Addresses(), Timers(), Effects(), WorkflowReactions(), Webhooks("workflow")),
    routers=(tasks, runs),
    fires_timers=True,
    performers=(make_mail_performer,),
)
