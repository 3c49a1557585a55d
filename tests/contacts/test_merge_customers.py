"""Merging customers: when it is granted, and what it says."""

from dataclasses import replace
from uuid import UUID

import pytest
from pydantic import ValidationError

from rapport_contacts.commands import merge_customers, unmerge_customer
from rapport_contacts.commands.merge_customers import MergeCustomers
from rapport_contacts.commands.unmerge_customer import UnmergeCustomer
from rapport_contacts.customer import Customer, evolve
from rapport_contacts.errors import (
    AlreadyOneParty,
    CannotMergeIntoItself,
    CustomerAlreadyMerged,
    CustomerIsLinked,
    CustomerNotFound,
    PartyCircle,
    SurvivorIsPart,
    SurvivorNotFound,
)
from rapport_events.command import CustomerRef
from rapport_events.contracts.base import Event
from rapport_events.contracts.contacts import CustomerMerged, CustomerUnmerged, FieldChoice
from rapport_events.ids import CustomerId
from rapport_events.parties import Party
from rapport_events.testing import ANN, BOB, CLEO, Deciding
from tests.contacts.facts import ANN_CREATED, BOB_LINKED

BOB_CREATED = ANN_CREATED.model_copy(update={"customer_id": CustomerId(BOB)})
ANN_LINKED = BOB_LINKED.model_copy(update={"linked_id": CustomerId(ANN)})
INTO_BOB = CustomerMerged(customer_id=CustomerId(ANN), survivor_id=CustomerId(BOB))
BACK_FROM_BOB = CustomerUnmerged(customer_id=CustomerId(ANN), survivor_id=CustomerId(BOB))
unmerging = Deciding(unmerge_customer.HANDLER)


def merge(into: UUID, *choices: FieldChoice) -> MergeCustomers:
    return MergeCustomers(customer=CustomerRef(id=ANN), survivor_id=into, field_choices=choices)


def beside(*events: Event, customer: UUID = BOB, roots: dict[UUID, UUID] | None = None) -> Deciding[MergeCustomers]:
    """Let another customer be known by these events, and parties have these roots."""
    state = Customer()
    for event in events:
        state = evolve(state, event)  # type: ignore[arg-type]  # only facts of contacts
    parties = {id_: Party((roots or {}).get(id_, id_), (id_,)) for id_ in (ANN, BOB, CLEO)}
    deciding = Deciding(merge_customers.HANDLER)
    return replace(
        deciding, occasion=replace(deciding.occasion, id=ANN, others={customer: state, ANN: state}, parties=parties)
    )


def test_a_merge_says_into_whom_and_whose_values_show() -> None:
    choice = FieldChoice(field="names", keep="merged")

    beside(BOB_CREATED).given(ANN_CREATED).when(merge(BOB, choice)).then(
        INTO_BOB.model_copy(update={"field_choices": (choice,)})
    )


def test_the_same_merge_again_is_no_news() -> None:
    beside(BOB_CREATED).given(ANN_CREATED, INTO_BOB).when(merge(BOB)).then_nothing()


def test_a_merged_customer_keeps_its_first_survivor() -> None:
    refused = beside(BOB_CREATED, customer=CLEO).given(ANN_CREATED, INTO_BOB).when(merge(CLEO))
    chosen = beside(BOB_CREATED).given(ANN_CREATED, INTO_BOB).when(merge(BOB, FieldChoice(field="kind", keep="merged")))

    assert refused.then_refuses(CustomerAlreadyMerged).facts == {"customer_id": str(ANN), "survivor_id": BOB}
    chosen.then_refuses(CustomerAlreadyMerged)


def test_nobody_unknown_is_merged_or_survives() -> None:
    beside(BOB_CREATED).when(merge(BOB)).then_refuses(CustomerNotFound)
    beside().given(ANN_CREATED).when(merge(BOB)).then_refuses(SurvivorNotFound)
    unmerging.when(UnmergeCustomer(customer=CustomerRef(id=ANN))).then_refuses(CustomerNotFound)


def test_a_customer_cannot_be_merged_into_itself() -> None:
    beside(ANN_CREATED).given(ANN_CREATED).when(merge(ANN)).then_refuses(CannotMergeIntoItself)


def test_circles_of_merges_and_links_are_refused() -> None:
    into_ann = CustomerMerged(customer_id=CustomerId(BOB), survivor_id=CustomerId(ANN))

    beside(BOB_CREATED, into_ann).given(ANN_CREATED).when(merge(BOB)).then_refuses(PartyCircle)
    beside(BOB_CREATED).given(ANN_CREATED, BOB_LINKED).when(merge(BOB)).then_refuses(PartyCircle)
    beside(BOB_CREATED, roots={BOB: ANN}).given(ANN_CREATED).when(merge(BOB)).then_refuses(PartyCircle)


def test_only_roots_are_merged_and_into_roots() -> None:
    into_cleo = CustomerMerged(customer_id=CustomerId(BOB), survivor_id=CustomerId(CLEO))
    wish = merge(BOB)

    merged = beside(BOB_CREATED, into_cleo).given(ANN_CREATED).when(wish).then_refuses(SurvivorIsPart)
    assert merged.facts == {"survivor_id": BOB, "part_of": CLEO}
    beside(BOB_CREATED, roots={BOB: CLEO}).given(ANN_CREATED).when(wish).then_refuses(SurvivorIsPart)
    beside(BOB_CREATED, roots={ANN: CLEO}).given(ANN_CREATED).when(wish).then_refuses(CustomerIsLinked)
    beside(BOB_CREATED, roots={ANN: BOB}).given(ANN_CREATED).when(wish).then_refuses(AlreadyOneParty)
    beside(BOB_CREATED, ANN_LINKED).given(ANN_CREATED).when(wish).then_refuses(AlreadyOneParty)


def test_an_unmerged_customer_can_be_merged_again() -> None:
    beside(BOB_CREATED).given(ANN_CREATED, INTO_BOB, BACK_FROM_BOB).when(merge(BOB)).then(INTO_BOB)


def test_a_merge_is_taken_back_once() -> None:
    wish = UnmergeCustomer(customer=CustomerRef(id=ANN))

    unmerging.given(ANN_CREATED, INTO_BOB).about(ANN).when(wish).decided()
    replace(unmerging, occasion=replace(unmerging.occasion, id=ANN)).given(ANN_CREATED, INTO_BOB).when(wish).then(
        BACK_FROM_BOB
    )
    unmerging.given(ANN_CREATED, INTO_BOB, BACK_FROM_BOB).when(wish).then_nothing()


@pytest.mark.parametrize(
    ("field", "keep"), [("names", "both"), ("birthday", "merged"), ("attributes.job", "both"), ("external_ids", "both")]
)
def test_a_choice_that_cannot_be_made_is_malformed(field: str, keep: str) -> None:
    with pytest.raises(ValidationError):
        merge(BOB, FieldChoice.model_validate({"field": field, "keep": keep}))


def test_a_field_is_chosen_once() -> None:
    with pytest.raises(ValidationError):
        merge(BOB, FieldChoice(field="emails", keep="both"), FieldChoice(field="emails", keep="merged"))
