"""Stages: every stage that a customer has reached, as it was published."""

from typing import ClassVar
from uuid import UUID

import msgspec

from rapport_events.contracts.analytics import CustomerStageReached
from rapport_events.rows import Row, Rows
from rapport_events.view import Fact


class Reached(msgspec.Struct):
    """A stage, and why."""

    stage: str
    previous: str | None = None
    because: list[UUID] = []


class Stages(Rows):
    """One row for each stage reached."""

    name = "stages"
    package = "rapport_analytics"
    statement = "add_stages"
    reads: ClassVar = {CustomerStageReached: Reached}

    def row(self, fact: Fact) -> Row:
        """Take stage and reasons; an array of arrays must be even, so the reasons go as text."""
        event = fact.event
        because = "{" + ",".join(str(event_id) for event_id in event.because) + "}"
        told = (event.stage, event.previous, because, fact.occurred_at, fact.recorded_at, fact.position)
        return (fact.tenant, fact.subject, fact.event_id, *told)
