"""Record that a customer got an answer to a complaint."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from rapport_events.command import Command, ExternalRef, Handler, Occasion, Target, ThingRef
from rapport_events.contracts.base import Actor, Attributes, Channel
from rapport_events.contracts.interactions import CaseResponded, CaseRespondedPii, Text
from rapport_interactions.case import Case, evolve


class Answer(BaseModel):
    """What the customer was told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body: Text | None = None


class RespondCase(Command):
    """A customer was answered; the same external id is one answer, and without one each answer is another."""

    case: ThingRef
    external: ExternalRef | None = None
    """The answer in the system that it comes from."""
    first_response: bool | None = None
    """Whether nobody had answered before; found out from the case where it is not given."""
    channel: Channel | None = None
    agent_id: Actor | None = None
    attributes: Attributes = Field(default_factory=dict)
    pii: Answer | None = None


def decide(command: RespondCase, case: Case, occasion: Occasion) -> Sequence[CaseResponded]:
    """Say what was answered; a settled case may be answered too."""
    body = command.pii.body if command.pii else None
    is_first = case.responses == 0 if command.first_response is None else command.first_response
    return [
        CaseResponded(
            case_id=occasion.id,
            first_response=is_first,
            channel=command.channel,
            agent_id=command.agent_id,
            attributes=command.attributes,
            pii=CaseRespondedPii(body=body) if body else None,
        )
    ]


HANDLER = Handler(
    name="respond_case",
    route="/v1/cases/{case}/respond",
    command=RespondCase,
    initial=Case(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target.of("case", command.case),
    external=lambda command: command.external,
    fact="response",
)
