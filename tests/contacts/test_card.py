"""A card shows all that is known of a customer, under all ids of the party."""

from uuid import UUID

from rapport_events.ids import CustomerId
from rapport_events.testing import TENANT
from tests.contacts.wishes import create, link, shop, unlink
from tests.slices import Slices


async def consent(contacts: Slices, customer: str, verb: str, **body: str) -> None:
    answer = await contacts.wish(f"/v1/customers/{customer}/{verb}_consent", {"purpose": "news", **body})
    assert answer.status_code == 200, answer.text


async def states(contacts: Slices, customer: str) -> dict[str | None, str]:
    card = await contacts.ask(f"/v1/customers/{customer}")
    return {consent["channel"]: consent["state"] for consent in card["consents"]}


async def test_a_card_shows_profile_identities_and_consents(contacts: Slices) -> None:
    ann = await create(contacts, "1", name="Ann Young", addresses=[{"city": "Bath"}])
    await link(contacts, ann, "2")
    await consent(contacts, ann, "grant", channel="email", wording_version="1")

    card = await contacts.ask(f"/v1/customers/{ann}")

    assert (card["id"], card["name"], card["addresses"]) == (ann, "Ann Young", [{"lines": [], "city": "Bath"}])
    assert [(each["kind"], each["system"], each["value"]) for each in card["identities"]] == [("external", "shop", "2")]
    assert [(each["channel"], each["state"], each["wording_version"]) for each in card["consents"]] == [
        ("email", "granted", "1")
    ]


async def test_any_id_of_the_party_shows_the_same_card(contacts: Slices) -> None:
    ann, other = await create(contacts, "1", name="Ann Young"), await create(contacts, "2", phones=["555 0100"])
    await link(contacts, ann, "2")

    cards = [await contacts.ask(f"/v1/customers/{customer}") for customer in (ann, other)]
    for card in cards:
        card.pop("freshness")
    assert cards[0] == cards[1]
    assert (cards[0]["id"], cards[0]["phones"]) == (ann, ["555 0100"])

    await unlink(contacts, ann, "2")
    assert (await contacts.ask(f"/v1/customers/{other}"))["name"] is None


async def test_consents_of_all_ids_are_one_story(contacts: Slices) -> None:
    ann, other = await create(contacts, "1"), await create(contacts, "2")
    await link(contacts, ann, "2")

    await consent(contacts, ann, "grant", channel="email", wording_version="1")
    await consent(contacts, other, "withdraw")
    assert await states(contacts, ann) == {None: "withdrawn"}

    await consent(contacts, ann, "grant", channel="email", wording_version="2")
    assert await states(contacts, other) == {None: "withdrawn", "email": "granted"}

    await unlink(contacts, ann, "2")
    assert await states(contacts, ann) == {"email": "granted"}


async def test_an_erased_person_has_a_card_without_personal_values(contacts: Slices) -> None:
    ann = await create(contacts, "1", name="Ann Young", addresses=[{"city": "Bath"}])
    await link(contacts, ann, "2")
    await contacts.keyring.destroy(TENANT, [CustomerId(UUID(ann))])

    card = await contacts.ask(f"/v1/customers/{ann}")

    assert (card["name"], card["addresses"], card["external_ids"]) == ("redacted", ["redacted"], ["redacted"])
    assert card["identities"][0]["value"] == "redacted"


async def test_nobody_unknown_has_a_card(contacts: Slices) -> None:
    answer = await contacts.client.get("/v1/customers/00000000-0000-8000-8000-00000000a000")

    assert (answer.status_code, answer.json()["code"]) == (404, "customer_not_found")


async def test_names_from_outside_are_opened_for_the_right_tenant_only(contacts: Slices) -> None:
    ann = await create(contacts, "1", name="Ann Young")
    other = contacts.token("contacts:read contacts:write personal:read", tenant="bolt")

    hidden = await contacts.client.get(f"/v1/customers/{ann}", headers=other)
    created = await contacts.client.post("/v1/customers", json={"customer": shop("1"), "source": "shop"}, headers=other)

    assert hidden.status_code == 404
    assert created.json()["id"] != ann
