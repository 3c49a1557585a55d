"""Record that a customer and we were in touch."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rapport_events.command import Command, CustomerRef, ExternalRef, Handler, Occasion, Target
from rapport_events.contracts.base import Actor, Attributes, Channel, Code, Moment
from rapport_events.contracts.interactions import CustomerContacted, CustomerContactedPii, Subject, Text
from rapport_interactions.parties import Others, named, parties
from rapport_interactions.passing import Passing, evolve


class Said(BaseModel):
    """What was said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Subject | None = None
    body: Text | None = None


class RecordContact(Command):
    """A customer and we were in touch, on whatever channel; the same external id is one contact."""

    customer: CustomerRef
    external: ExternalRef | None = None
    channel: Channel
    channel_detail: Code | None = None
    direction: Literal["inbound", "outbound", "unknown"]
    agent_id: Actor | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    outcome: Code | None = None
    attributes: Attributes = Field(default_factory=dict)
    parties: Others = ()
    pii: Said | None = None


def decide(command: RecordContact, _contact: Passing, occasion: Occasion) -> Sequence[CustomerContacted]:
    """Say who was in touch, and how."""
    said = command.pii or Said()
    pii = CustomerContactedPii(subject=said.subject, body=said.body)
    return [
        CustomerContacted(
            interaction_id=occasion.id,
            channel=command.channel,
            channel_detail=command.channel_detail,
            direction=command.direction,
            agent_id=command.agent_id,
            started_at=command.started_at,
            ended_at=command.ended_at,
            outcome=command.outcome,
            attributes=command.attributes,
            parties=parties(command.parties, occasion),
            pii=pii if said != Said() else None,
        )
    ]


HANDLER = Handler(
    name="record_contact",
    route="/v1/contacts",
    command=RecordContact,
    initial=Passing(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("contact", under=command.customer),
    external=lambda command: command.external,
    mentions=lambda command: named(command.parties),
)
