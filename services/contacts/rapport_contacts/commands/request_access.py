"""Record that a person asked what is kept about them."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import AwareDatetime, Field

from rapport_contacts.customer import Customer, evolve
from rapport_events.command import Command, CustomerRef, Handler, Occasion, Target
from rapport_events.contracts.privacy import PrivacyAccessRequested
from rapport_events.ids import new_id


class RequestAccess(Command):
    """A person wants to know what is kept about them."""

    customer: CustomerRef
    request_id: UUID = Field(default_factory=new_id)
    due_at: AwareDatetime | None = None


def decide(command: RequestAccess, _customer: Customer, _occasion: Occasion) -> Sequence[PrivacyAccessRequested]:
    """Say that it was asked for."""
    return [PrivacyAccessRequested(request_id=command.request_id, due_at=command.due_at)]


HANDLER = Handler(
    name="request_access",
    route="/v1/customers/{customer}/request_access",
    command=RequestAccess,
    initial=Customer(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("customer", under=command.customer),
)
