"""Merge a customer into another: the two are one party, known by the survivor's id."""

from collections.abc import Sequence
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from rapport_contacts.customer import ATTRIBUTE, PROFILE_FIELDS, Customer, evolve
from rapport_contacts.errors import (
    AlreadyOneParty,
    CannotMergeIntoItself,
    CustomerAlreadyMerged,
    CustomerErased,
    CustomerIsLinked,
    CustomerNotFound,
    PartyCircle,
    SurvivorIsPart,
    SurvivorNotFound,
)
from rapport_events.command import Command, CustomerRef, Handler, Occasion, Target
from rapport_events.contracts.contacts import CustomerMerged, FieldChoice
from rapport_events.ids import CustomerId

LISTS = ("emails", "phones", "addresses")
"""Fields of which both can be kept."""
SINGLE = ("kind", *(field for field in PROFILE_FIELDS if field not in LISTS))


class MergeCustomers(Command):
    """The customer is the same party as the survivor; merged so already is no news."""

    customer: CustomerRef
    survivor_id: UUID
    field_choices: Annotated[tuple[FieldChoice, ...], Field(max_length=50)] = ()
    """Whose values show; without a choice the survivor's, and of lists those of both."""

    @model_validator(mode="after")
    def _can_be_chosen(self) -> Self:
        fields = [choice.field for choice in self.field_choices]
        if len(set(fields)) < len(fields):
            msg = "choose once for each field"
            raise ValueError(msg)
        for choice in self.field_choices:
            if choice.field not in (*LISTS, *SINGLE) and not choice.field.startswith(ATTRIBUTE):
                msg = "a field is kind, names, emails, phones, addresses, or attributes.<name>"
                raise ValueError(msg)
            if choice.keep == "both" and choice.field not in LISTS:
                msg = "both can be kept of emails, phones and addresses only"
                raise ValueError(msg)
        return self


def decide(command: MergeCustomers, customer: Customer, occasion: Occasion) -> Sequence[CustomerMerged]:
    """Say that the two are one party; parties stay trees, because only roots are merged, and into roots."""
    merged = CustomerMerged(
        customer_id=CustomerId(occasion.id),
        survivor_id=CustomerId(command.survivor_id),
        field_choices=command.field_choices,
    )
    survivor: Customer = occasion.others[command.survivor_id]
    if customer.kind is None:
        raise CustomerNotFound(customer_id=occasion.subject)
    if command.survivor_id == occasion.id:
        raise CannotMergeIntoItself(customer_id=occasion.subject)
    if customer.merged == merged:
        return []
    if customer.merged is not None:
        raise CustomerAlreadyMerged(customer_id=occasion.subject, survivor_id=customer.merged.survivor_id)
    if survivor.kind is None:
        raise SurvivorNotFound(survivor_id=command.survivor_id)
    if customer.erasure is not None or survivor.erasure is not None:
        raise CustomerErased(customer_id=occasion.subject, survivor_id=command.survivor_id)
    _stay_a_tree(customer, survivor, occasion, command.survivor_id)
    return [merged]


def _stay_a_tree(customer: Customer, survivor: Customer, occasion: Occasion, survivor_id: UUID) -> None:
    """Refuse what would give an id two parents, or close a circle; streams know it first, parties know all of it."""
    own, root = occasion.parties[occasion.id].root, occasion.parties[survivor_id].root
    if root == occasion.id or survivor_id in customer.linked or _is_into(survivor, occasion.id):
        raise PartyCircle(customer_id=occasion.subject, survivor_id=survivor_id)
    if own == root or occasion.id in survivor.linked:
        raise AlreadyOneParty(customer_id=occasion.subject, root=root)
    if own != occasion.id:
        raise CustomerIsLinked(customer_id=occasion.subject, linked_to=own)
    if survivor.merged is not None or root != survivor_id:
        into = survivor.merged.survivor_id if survivor.merged is not None else root
        raise SurvivorIsPart(survivor_id=survivor_id, part_of=into)


def _is_into(customer: Customer, survivor: UUID) -> bool:
    return customer.merged is not None and customer.merged.survivor_id == survivor


HANDLER = Handler(
    name="merge_customers",
    route="/v1/customers/{customer}/merge",
    command=MergeCustomers,
    initial=Customer(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("customer", under=command.customer),
    beside=lambda command: (CustomerRef(id=command.survivor_id),),
    awaits_parties=True,
)
