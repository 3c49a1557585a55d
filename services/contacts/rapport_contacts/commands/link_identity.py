"""Link an outside name to a customer: from then on the two ids are one party."""

from collections.abc import Sequence
from typing import Annotated, Literal, cast
from uuid import UUID

from pydantic import AfterValidator

from rapport_contacts.customer import Customer, evolve
from rapport_contacts.errors import CustomerErased, CustomerNotFound, IdentityIsMerged, PartyCircle
from rapport_events.command import Command, CustomerRef, Handler, Occasion, Target
from rapport_events.contracts.base import Code, Share
from rapport_events.contracts.contacts import CustomerIdentityLinked, CustomerIdentityLinkedPii, IdentityKind
from rapport_events.ids import CustomerId


def _is_name(ref: CustomerRef) -> CustomerRef:
    if ref.identity is None:
        raise ValueError('name it from outside: {"system", "external_id"} or {"email"}')
    return ref


OutsideName = Annotated[CustomerRef, AfterValidator(_is_name)]


class LinkIdentity(Command):
    """A name in another system, or an e-mail address, is this customer's; linked already is no news."""

    customer: CustomerRef
    identity: OutsideName
    strength: Literal["strong", "weak"] = "strong"
    method: Code = "declared"
    confidence: Share | None = None


def decide(command: LinkIdentity, customer: Customer, occasion: Occasion) -> Sequence[CustomerIdentityLinked]:
    """Say that the name is the customer's; the name under which it was created needs no link."""
    if customer.kind is None:
        raise CustomerNotFound(customer_id=occasion.subject)
    if customer.erasure is not None:
        raise CustomerErased(customer_id=occasion.subject)
    linked = CustomerId(occasion.customer(command.identity))
    if linked in customer.linked or linked == occasion.id:
        return []
    if occasion.others[linked].erasure is not None:
        raise CustomerErased(customer_id=linked)
    _stay_a_tree(customer, linked, occasion)
    kind, system, value = cast("tuple[IdentityKind, str, str]", command.identity.identity)
    return [
        CustomerIdentityLinked(
            linked_id=linked,
            kind=kind,
            system=system or None,
            strength=command.strength,
            method=command.method,
            confidence=command.confidence,
            pii=CustomerIdentityLinkedPii(value=value),
        )
    ]


def _stay_a_tree(customer: Customer, linked: CustomerId, occasion: Occasion) -> None:
    """Refuse what would give an id two parents, or close a circle; streams know it first, parties know all of it."""
    other: Customer = occasion.others[linked]
    is_above = customer.merged is not None and customer.merged.survivor_id == linked
    if is_above or occasion.id in other.linked or occasion.parties[occasion.id].root == linked:
        raise PartyCircle(customer_id=occasion.subject, linked_id=linked)
    if other.merged is not None:
        raise IdentityIsMerged(linked_id=linked, survivor_id=other.merged.survivor_id)


def holds(customer: Customer, identity: UUID) -> bool:
    """Say whether a customer still holds an outside name, by the id that is computed from it."""
    return identity in customer.linked and customer.erasure is None


HANDLER = Handler(
    name="link_identity",
    route="/v1/customers/{customer}/link_identity",
    command=LinkIdentity,
    initial=Customer(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("customer", under=command.customer),
    identities=lambda command: (command.identity,),
    holds=holds,
    mentions=lambda command: (command.identity,),
    beside=lambda command: (command.identity,),
)
