"""Take a merge back: the two are two parties again, each with what was recorded under its own ids."""

from collections.abc import Sequence

from rapport_contacts.customer import Customer, evolve
from rapport_contacts.errors import CustomerErased, CustomerNotFound
from rapport_events.command import Command, CustomerRef, Handler, Occasion, Target
from rapport_events.contracts.base import Code
from rapport_events.contracts.contacts import CustomerUnmerged
from rapport_events.ids import CustomerId


class UnmergeCustomer(Command):
    """A merged customer is a party of its own after all; one that is not merged is no news."""

    customer: CustomerRef
    """The one that was merged, not its survivor."""
    reason: Code | None = None


def decide(command: UnmergeCustomer, customer: Customer, occasion: Occasion) -> Sequence[CustomerUnmerged]:
    """Say that the merge no longer holds."""
    if customer.kind is None:
        raise CustomerNotFound(customer_id=occasion.subject)
    if customer.erasure is not None:
        raise CustomerErased(customer_id=occasion.subject)
    if customer.merged is None:
        return []
    return [
        CustomerUnmerged(
            customer_id=CustomerId(occasion.id), survivor_id=customer.merged.survivor_id, reason=command.reason
        )
    ]


HANDLER = Handler(
    name="unmerge_customer",
    route="/v1/customers/{customer}/unmerge",
    command=UnmergeCustomer,
    initial=Customer(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("customer", under=command.customer),
)
