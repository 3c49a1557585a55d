"""What the reactions hear of facts: only the fields that some rule needs, shared by all of them."""

from datetime import datetime
from uuid import UUID

import msgspec


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
