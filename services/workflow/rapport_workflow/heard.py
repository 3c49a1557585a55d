"""What the reactions hear of facts: only the fields that some rule needs, shared by all of them."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from rapport_events.view import Fact

HISTORY_AFTER = timedelta(days=7)


def is_news(fact: Fact) -> bool:
    """Say whether a fact was recorded soon after it happened; nobody acts on the others, as those of an import."""
    return fact.recorded_at - fact.occurred_at <= HISTORY_AFTER


class Complained(msgspec.Struct):
    """A complaint begins a case."""

    case_id: UUID


class Resolved(msgspec.Struct):
    """A case is settled."""

    case_id: UUID


class About(msgspec.Struct):
    """What a timer is about."""

    kind: str
    id: UUID


class TimeCame(msgspec.Struct):
    """A timer fired."""

    timer_id: UUID
    about: About
    due_at: datetime


class TaskBegan(msgspec.Struct):
    """A task begins."""

    task_id: UUID
    due_at: datetime | None = None


class TaskMoved(msgspec.Struct):
    """A task is due at another moment."""

    task_id: UUID
    due_at: datetime | None = None
    previous: datetime | None = None


class TaskEnded(msgspec.Struct):
    """A task is done or off."""

    task_id: UUID


class Purchased(msgspec.Struct):
    """A purchase."""

    purchase_id: UUID
    total: Decimal
    currency: str


class Granted(msgspec.Struct):
    """A consent is given."""

    purpose: str
    wording_version: str
    channel: str | None = None
    valid_until: datetime | None = None


class Withdrawn(msgspec.Struct):
    """A consent is taken back."""

    purpose: str
    channel: str | None = None


class TaskLate(msgspec.Struct):
    """A task is overdue."""

    task_id: UUID


class EffectDone(msgspec.Struct):
    """What was decided was done outside."""

    effect_key: UUID


class EffectLost(msgspec.Struct):
    """What was decided could not be done."""

    effect_key: UUID
    reason: str
