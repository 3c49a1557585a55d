"""A name that another system gave leads to the customer."""

from tests.contacts.wishes import create, link
from tests.slices import Slices


async def test_a_name_of_another_system_leads_to_the_customer(contacts: Slices) -> None:
    ann = await create(contacts, "17850", name="Ann Young")
    named = await contacts.ask("/v1/customers:named", system="shop", external_id="17850")
    assert named == {"id": ann}


async def test_a_linked_name_leads_to_the_same_card(contacts: Slices) -> None:
    ann = await create(contacts, "1", name="Ann Young")
    await link(contacts, ann, "2")
    named = await contacts.ask("/v1/customers:named", system="shop", external_id="2")
    card = await contacts.ask(f"/v1/customers/{named['id']}")
    assert (card["id"], card["name"]) == (ann, "Ann Young")


async def test_the_same_name_means_somebody_else_for_another_tenant(contacts: Slices) -> None:
    ann = await create(contacts, "1", name="Ann Young")
    query, other = {"system": "shop", "external_id": "1"}, contacts.token("contacts:read", "b")
    foreign = await contacts.client.get("/v1/customers:named", params=query, headers=other)
    assert foreign.json()["id"] != ann
