"""Record that a customer said that something is wrong; a case begins."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from rapport_events.command import Command, CustomerRef, ExternalRef, Handler, Occasion, Target
from rapport_events.contracts.base import Attributes, Channel, Code
from rapport_events.contracts.interactions import About, CustomerComplained, CustomerComplainedPii, Severity, Text
from rapport_interactions.case import Case, evolve
from rapport_interactions.parties import Others, named, parties


class Words(BaseModel):
    """The complaint in the customer's words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Text | None = None


class FileComplaint(Command):
    """A customer complains; the same external id is one complaint."""

    customer: CustomerRef
    external: ExternalRef | None = None
    category: Code
    severity: Severity | None = None
    channel: Channel
    channel_detail: Code | None = None
    about: About | None = None
    demanded_remedy: Code | None = None
    attributes: Attributes = Field(default_factory=dict)
    parties: Others = ()
    pii: Words | None = None


def decide(command: FileComplaint, _case: Case, occasion: Occasion) -> Sequence[CustomerComplained]:
    """Say what the customer complains about."""
    text = command.pii.text if command.pii else None
    return [
        CustomerComplained(
            case_id=occasion.id,
            case_ref=command.external.id if command.external else None,
            category=command.category,
            severity=command.severity,
            channel=command.channel,
            channel_detail=command.channel_detail,
            about=command.about,
            demanded_remedy=command.demanded_remedy,
            attributes=command.attributes,
            parties=parties(command.parties, occasion),
            pii=CustomerComplainedPii(text=text) if text else None,
        )
    ]


HANDLER = Handler(
    name="file_complaint",
    route="/v1/complaints",
    command=FileComplaint,
    initial=Case(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("case", under=command.customer),
    external=lambda command: command.external,
    mentions=lambda command: named(command.parties),
)
