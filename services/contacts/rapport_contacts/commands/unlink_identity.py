"""Take an outside name from a customer: the two ids are two parties again."""

from collections.abc import Sequence

from rapport_contacts.customer import Customer, evolve
from rapport_contacts.errors import CustomerErased, CustomerNotFound
from rapport_events.command import Command, CustomerRef, Handler, Occasion, Target
from rapport_events.contracts.base import Code
from rapport_events.contracts.contacts import CustomerIdentityUnlinked


class UnlinkIdentity(Command):
    """An outside name is not this customer's after all; one that is not linked is no news."""

    customer: CustomerRef
    identity: CustomerRef
    """The outside name, or the id that was linked for it."""
    reason: Code | None = None


def decide(command: UnlinkIdentity, customer: Customer, occasion: Occasion) -> Sequence[CustomerIdentityUnlinked]:
    """Say that the name is not the customer's."""
    if customer.kind is None:
        raise CustomerNotFound(customer_id=occasion.subject)
    if customer.erasure is not None:
        raise CustomerErased(customer_id=occasion.subject)
    link = customer.linked.get(occasion.customer(command.identity))
    if link is None:
        return []
    return [
        CustomerIdentityUnlinked(linked_id=link.linked_id, kind=link.kind, system=link.system, reason=command.reason)
    ]


HANDLER = Handler(
    name="unlink_identity",
    route="/v1/customers/{customer}/unlink_identity",
    command=UnlinkIdentity,
    initial=Customer(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("customer", under=command.customer),
    mentions=lambda command: (command.identity,),
)
