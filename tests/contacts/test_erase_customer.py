"""A person is forgotten under all ids at once, and nothing changes meanwhile who the person is."""

from dataclasses import replace
from uuid import UUID

import pytest

from rapport_contacts.commands import (
    change_profile,
    erase_customer,
    link_identity,
    merge_customers,
    refuse_erasure,
    unlink_identity,
    unmerge_customer,
)
from rapport_contacts.commands.change_profile import ChangeProfile
from rapport_contacts.commands.erase_customer import EraseCustomer
from rapport_contacts.commands.link_identity import LinkIdentity
from rapport_contacts.commands.merge_customers import MergeCustomers
from rapport_contacts.commands.refuse_erasure import RefuseErasure
from rapport_contacts.commands.unlink_identity import UnlinkIdentity
from rapport_contacts.commands.unmerge_customer import UnmergeCustomer
from rapport_contacts.customer import Customer
from rapport_contacts.errors import CustomerErased, PartyNotAsShown
from rapport_events.command import Command, CustomerRef, Handler
from rapport_events.contracts.contacts import CustomerCreated
from rapport_events.contracts.privacy import (
    Held,
    PrivacyErasureCompleted,
    PrivacyErasureRefused,
    PrivacyErasureRequested,
)
from rapport_events.ids import CustomerId
from rapport_events.parties import Party
from rapport_events.testing import ANN, BOB, CLEO, NOON, THING, Deciding
from tests.contacts.facts import ANN_CREATED, BOB_LINKED

IDS = (CustomerId(ANN), CustomerId(BOB))
REQUESTED = PrivacyErasureRequested(request_id=THING, customer_ids=IDS)
COMPLETED = PrivacyErasureCompleted(
    request_id=THING,
    customer_ids=IDS,
    erased_at=NOON,
    before=Held(events=2, values=2),
    after=Held(events=3, values=0),
    certificate_hash="0" * 64,
)
ERASE = EraseCustomer(customer=CustomerRef(id=ANN), customer_ids=IDS, request_id=THING)
BOB_REF = CustomerRef(system="shop", external_id="2")


def deciding(
    *history: CustomerCreated | PrivacyErasureRequested | PrivacyErasureCompleted, **others: UUID | None
) -> Deciding[EraseCustomer]:
    """Decide about Ann, whose party has further ids; for each the request by which it is being erased."""
    erased = [event.request_id for event in history if not isinstance(event, CustomerCreated)]
    states = {ANN: Customer(erasure=erased[-1] if erased else None)}
    states |= {{"bob": BOB, "cleo": CLEO}[name]: Customer(erasure=erasure) for name, erasure in others.items()}
    scene = Deciding(erase_customer.HANDLER).given(*history)
    parties = {ANN: Party(ANN, tuple(states))}
    return replace(scene, occasion=replace(scene.occasion, id=ANN, others=states, parties=parties))


def test_all_ids_of_the_person_are_named() -> None:
    deciding(ANN_CREATED, bob=None).when(ERASE).then(REQUESTED)


def test_somebody_of_whom_contacts_knows_nothing_can_be_erased() -> None:
    deciding(bob=None).when(ERASE).then(REQUESTED)


def test_who_was_shown_fewer_ids_must_look_again() -> None:
    refused = deciding(ANN_CREATED, bob=None, cleo=None).when(ERASE).then_refuses(PartyNotAsShown)

    assert refused.facts["count"] == 3


def test_who_names_too_many_ids_must_look_again() -> None:
    deciding(ANN_CREATED).when(ERASE).then_refuses(PartyNotAsShown)


@pytest.mark.parametrize("history", [(ANN_CREATED, REQUESTED), (ANN_CREATED, REQUESTED, COMPLETED)])
def test_a_second_request_is_no_news(history: tuple[CustomerCreated | PrivacyErasureRequested, ...]) -> None:
    deciding(*history, bob=THING).when(ERASE).then_nothing()


@pytest.mark.parametrize("history", [(REQUESTED,), (REQUESTED, COMPLETED)])
@pytest.mark.parametrize(
    ("handler", "command"),
    [
        (link_identity.HANDLER, LinkIdentity(customer=CustomerRef(id=ANN), identity=BOB_REF)),
        (unlink_identity.HANDLER, UnlinkIdentity(customer=CustomerRef(id=ANN), identity=BOB_REF)),
        (merge_customers.HANDLER, MergeCustomers(customer=CustomerRef(id=ANN), survivor_id=BOB)),
        (unmerge_customer.HANDLER, UnmergeCustomer(customer=CustomerRef(id=ANN))),
        (change_profile.HANDLER, ChangeProfile(customer=CustomerRef(id=ANN))),
        (refuse_erasure.HANDLER, RefuseErasure(customer=CustomerRef(id=ANN), legal_basis="gdpr_17_3_e")),
    ],
)
def test_nothing_changes_who_an_erased_person_is(
    handler: Handler[Command, Customer], command: Command, history: tuple[PrivacyErasureRequested, ...]
) -> None:
    scene = Deciding(handler).given(ANN_CREATED, BOB_LINKED, *history)
    occasion = replace(scene.occasion, mentioned={BOB_REF: BOB}, others={BOB: Customer(kind="person")})
    replace(scene, occasion=occasion).when(command).then_refuses(CustomerErased)


def test_nobody_is_linked_to_somebody_who_is_being_erased() -> None:
    scene = Deciding(link_identity.HANDLER).given(ANN_CREATED)
    occasion = replace(scene.occasion, mentioned={BOB_REF: BOB}, others={BOB: Customer(erasure=THING)})
    wish = LinkIdentity(customer=CustomerRef(id=ANN), identity=BOB_REF)

    replace(scene, occasion=occasion).when(wish).then_refuses(CustomerErased)


def test_nobody_is_merged_into_somebody_who_is_being_erased() -> None:
    scene = Deciding(merge_customers.HANDLER).given(ANN_CREATED)
    others = {BOB: Customer(kind="person", erasure=THING)}
    wish = MergeCustomers(customer=CustomerRef(id=ANN), survivor_id=BOB)

    replace(scene, occasion=replace(scene.occasion, others=others)).when(wish).then_refuses(CustomerErased)


def test_a_refusal_says_which_law_demands_it() -> None:
    wish = RefuseErasure(customer=CustomerRef(id=ANN), legal_basis="gdpr_17_3_e", request_id=THING)
    refused = PrivacyErasureRefused(request_id=THING, legal_basis="gdpr_17_3_e")

    Deciding(refuse_erasure.HANDLER).given(ANN_CREATED).when(wish).then(refused)
