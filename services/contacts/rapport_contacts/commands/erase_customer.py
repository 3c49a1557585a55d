"""Ask for a person to be forgotten: from now on nothing changes who the person is, and the keys are destroyed."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import Field

from rapport_contacts.customer import Customer, evolve
from rapport_contacts.errors import PartyNotAsShown
from rapport_events.command import Command, CustomerRef, Handler, Occasion, Target
from rapport_events.contracts.base import Code
from rapport_events.contracts.privacy import Ids, PrivacyErasureRequested
from rapport_events.ids import new_id


class EraseCustomer(Command):
    """All ids of a person are forgotten together; one that is being forgotten already is no news."""

    customer: CustomerRef
    customer_ids: Ids
    """All ids of the person, as the preview showed them."""
    request_id: UUID = Field(default_factory=new_id)
    reason: Code | None = None


def decide(command: EraseCustomer, customer: Customer, occasion: Occasion) -> Sequence[PrivacyErasureRequested]:
    """Say, for each id, that the person is to be forgotten; whether anything is known of one does not matter."""
    if customer.erasure is not None and all(other.erasure is not None for other in occasion.others.values()):
        return []
    party = occasion.parties[occasion.id].members
    if set(command.customer_ids) != set(party):
        raise PartyNotAsShown(customer_id=occasion.subject, count=len(party))
    ids = tuple(sorted(command.customer_ids))
    return [PrivacyErasureRequested(request_id=command.request_id, customer_ids=ids, reason=command.reason)]


HANDLER = Handler(
    name="erase_customer",
    route="/v1/customers/{customer}/erase",
    command=EraseCustomer,
    initial=Customer(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("customer", under=command.customer),
    for_party=True,
)
