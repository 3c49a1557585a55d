"""Linking outside names to customers, and taking them away."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from rapport_contacts.commands import link_identity, unlink_identity
from rapport_contacts.commands.link_identity import LinkIdentity
from rapport_contacts.commands.unlink_identity import UnlinkIdentity
from rapport_contacts.customer import Customer
from rapport_contacts.errors import CustomerNotFound
from rapport_events.command import CustomerRef
from rapport_events.contracts.contacts import CustomerIdentityLinkedPii
from rapport_events.parties import Party
from rapport_events.testing import ANN, BOB, Deciding
from tests.contacts.facts import ANN_CREATED, BOB_LINKED, BOB_UNLINKED
from tests.contacts.wishes import create, link, shop, unlink
from tests.slices import Slices

NAME = CustomerRef(system="shop", external_id="2")
_LINKING = Deciding(link_identity.HANDLER)
ALONE = {customer: Party(customer, (customer,)) for customer in (ANN, BOB)}
linking = replace(
    _LINKING,
    occasion=replace(_LINKING.occasion, id=ANN, mentioned={NAME: BOB}, others={BOB: Customer()}, parties=ALONE),
)
unlinking = Deciding(unlink_identity.HANDLER)
LINK = LinkIdentity(customer=CustomerRef(id=ANN), identity=NAME)
UNLINK = UnlinkIdentity(customer=CustomerRef(id=ANN), identity=CustomerRef(id=BOB))


def test_a_link_names_the_id_that_every_service_computes() -> None:
    linked = BOB_LINKED.model_copy(update={"pii": CustomerIdentityLinkedPii(value="2")})

    linking.given(ANN_CREATED).when(LINK).then(linked)


def test_a_link_that_is_there_is_no_news() -> None:
    linking.given(ANN_CREATED, BOB_LINKED).when(LINK).then_nothing()


def test_the_name_under_which_a_customer_was_created_needs_no_link() -> None:
    own = replace(linking, occasion=replace(linking.occasion, mentioned={NAME: ANN}))

    own.given(ANN_CREATED).when(LINK).then_nothing()


def test_nothing_is_linked_to_nobody() -> None:
    linking.when(LINK).then_refuses(CustomerNotFound)
    unlinking.when(UNLINK).then_refuses(CustomerNotFound)


def test_only_a_name_from_outside_can_be_linked() -> None:
    with pytest.raises(ValidationError):
        LinkIdentity(customer=CustomerRef(id=ANN), identity=CustomerRef(id=BOB))


def test_an_unlinked_name_is_told_as_it_was_linked() -> None:
    unlinking.given(ANN_CREATED, BOB_LINKED).when(UNLINK).then(BOB_UNLINKED)


def test_a_name_that_is_not_linked_is_no_news() -> None:
    unlinking.given(ANN_CREATED, BOB_LINKED, BOB_UNLINKED).when(UNLINK).then_nothing()


async def test_a_name_belongs_to_one_customer_until_it_is_given_up(contacts: Slices) -> None:
    ann, bob = await create(contacts, "1"), await create(contacts, "2")

    assert await link(contacts, ann, "3") == 200
    answer = await contacts.wish(f"/v1/customers/{bob}/link_identity", {"identity": shop("3")})
    assert (answer.status_code, answer.json()["code"]) == (409, "identity_taken")
    assert answer.json()["facts"] == {"customer_id": ann}

    assert await unlink(contacts, ann, "3") == 200
    assert await link(contacts, bob, "3") == 200
    assert await link(contacts, ann, "3") == 409
    assert await unlink(contacts, bob, "3") == 200
    assert await link(contacts, ann, "3") == 200


async def test_a_customer_whose_name_is_linked_can_still_be_created_under_it(contacts: Slices) -> None:
    ann = await create(contacts, "1", name="Ann Young")
    await link(contacts, ann, "2")

    await create(contacts, "2", phones=["555 0100"])

    card = await contacts.ask(f"/v1/customers/{ann}")
    assert (card["name"], card["phones"]) == ("Ann Young", ["555 0100"])
