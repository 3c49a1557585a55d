"""What the analytics service publishes: what follows from the facts of the others."""

from typing import Annotated, Literal

from pydantic import Field

from rapport_events.contracts.base import Event, Version
from rapport_events.contracts.platform import WebhookEvent
from rapport_events.ids import EventId

Stage = Literal["suspect", "prospect", "first_time", "repeat", "majority", "loyal", "advocate"]
"""How far a customer has come with us, in this order."""


class CustomerStageReached(Event, frozen=True):
    """A customer came to another stage of the journey."""

    type: Literal["crm.customer.stage_reached.v1"] = "crm.customer.stage_reached.v1"
    stage: Stage
    previous: Stage | None = None
    """Absent: the customer had none."""
    rule_version: Version
    """Version of the table of stages that was followed."""
    because: Annotated[tuple[EventId, ...], Field(max_length=100)] = ()
    """The facts that decided it."""


AnalyticsEvent = Annotated[CustomerStageReached | WebhookEvent, Field(discriminator="type")]
