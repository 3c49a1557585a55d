"""Record that a person asked to be forgotten and may not be, because the law wants something kept."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import Field

from rapport_contacts.customer import Customer, evolve
from rapport_contacts.errors import CustomerErased
from rapport_events.command import Command, CustomerRef, Handler, Occasion, Target
from rapport_events.contracts.base import Code
from rapport_events.contracts.privacy import PrivacyErasureRefused
from rapport_events.ids import new_id


class RefuseErasure(Command):
    """An erasure is refused, with the law that demands it; a later wish is a matter of its own."""

    customer: CustomerRef
    legal_basis: Code
    request_id: UUID = Field(default_factory=new_id)


def decide(command: RefuseErasure, customer: Customer, occasion: Occasion) -> Sequence[PrivacyErasureRefused]:
    """Say why the person is not forgotten."""
    if customer.erasure is not None:
        raise CustomerErased(customer_id=occasion.subject)
    return [PrivacyErasureRefused(request_id=command.request_id, legal_basis=command.legal_basis)]


HANDLER = Handler(
    name="refuse_erasure",
    route="/v1/customers/{customer}/refuse_erasure",
    command=RefuseErasure,
    initial=Customer(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("customer", under=command.customer),
)
