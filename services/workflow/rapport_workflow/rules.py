"""The rules that act by themselves: what triggers each, and what it does step by step."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Final

from rapport_events.contracts.workflow import TaskAbout
from rapport_events.reactions import Known
from rapport_events.view import Fact
from rapport_workflow.heard import Complained, Purchased, is_news
from rapport_workflow.memory import Remembered
from rapport_workflow.rule import Mail, Rule, Task, Template, Wait

LARGE: Final[Mapping[str, Decimal]] = {"EUR": Decimal(100), "GBP": Decimal(100), "USD": Decimal(100)}
"""From which total on a first purchase earns a thank-you, by currency; in others none does."""

THANKS = Template(
    name="thank_you",
    version="1",
    subject="Thank you for your first order",
    body=(
        "Dear {name},\n\n"
        "thank you for your first order with us. If anything is not as it should be, just answer this mail.\n"
    ),
)


def _case(fact: Fact) -> TaskAbout:
    complaint: Complained = fact.event
    return TaskAbout(kind="case", id=complaint.case_id)


def _is_large_first(fact: Fact, known: Known) -> bool:
    purchase: Purchased = fact.event
    memory: Remembered = known.memory
    least = LARGE.get(purchase.currency)
    return least is not None and purchase.total >= least and is_news(fact) and memory.is_first_purchase(fact)


ANSWER_COMPLAINT = Rule(
    name="answer_complaint",
    version="1",
    run_name=lambda fact: str(_case(fact).id),
    about=_case,
    steps=(
        Task("answer_complaint", due_in=timedelta(days=1)),
        Task("escalate_complaint", due_in=timedelta(days=1)),
    ),
)
THANK_FOR_FIRST_PURCHASE = Rule(
    name="thank_for_first_purchase",
    version="1",
    condition=_is_large_first,
    steps=(Wait(timedelta(days=3)), Mail(THANKS, purpose="marketing")),
)

_ALL: Final = (ANSWER_COMPLAINT, THANK_FOR_FIRST_PURCHASE)
TEMPLATES: Final = {
    (step.template.name, step.template.version): step.template
    for rule in _ALL
    for step in rule.steps
    if isinstance(step, Mail)
}


def rule_of(name: str, version: str) -> Rule | None:
    """Return a version of a rule; None where nobody knows it any more."""
    return next((rule for rule in _ALL if (rule.name, rule.version) == (name, version)), None)
