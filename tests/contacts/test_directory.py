"""The directory answers lists and searches, whatever was sealed, erased, left out or linked."""

from uuid import UUID

import asyncpg
import pytest

from rapport_contacts.filling import fill
from rapport_contacts.views.directory import Directory
from rapport_events.ids import CustomerId
from rapport_events.testing import TENANT
from tests.contacts.wishes import create, found, link, unlink
from tests.slices import Slices


async def test_a_created_customer_is_in_the_list_with_its_opened_values(contacts: Slices) -> None:
    ann = await create(contacts, "17850", name="Ann Müller", emails=["Ann@Example.org"], phones=["+44 20 7946 0958"])

    page = await contacts.ask("/v1/customers")

    (customer,) = page["customers"]
    assert customer["id"] == ann
    assert customer["name"] == "Ann Müller"
    assert customer["emails"] == ["Ann@Example.org"]
    assert customer["external_ids"] == [{"system": "shop", "value": "17850"}]
    assert page["next_cursor"] is None
    assert page["freshness"]["lag_seconds"] is None or page["freshness"]["lag_seconds"] >= 0


async def test_customers_are_found_by_parts_of_name_address_and_number(contacts: Slices) -> None:
    await create(contacts, "1", name="Ann Müller", emails=["ann.m@example.org"], phones=["+44 (0)20 7946 0958"])
    await create(contacts, "2", name="Bob Miller", emails=["bob@example.org"])

    assert await found(contacts, "mull") == ["Ann Müller"]
    assert await found(contacts, "ÜLL") == ["Ann Müller"]
    assert await found(contacts, "mill bo") == ["Bob Miller"]
    assert await found(contacts, "bob@") == ["Bob Miller"]
    assert await found(contacts, "ann.m") == ["Ann Müller"]
    assert await found(contacts, "020 7946") == ["Ann Müller"]
    assert await found(contacts, "example") == ["Ann Müller", "Bob Miller"]
    assert await found(contacts, "%%") == []


async def test_a_query_that_is_too_short_is_refused(contacts: Slices) -> None:
    answer = await contacts.client.get("/v1/customers", params={"q": "x"})

    assert (answer.status_code, answer.json()["code"]) == (422, "query_too_short")


async def test_pages_hold_each_customer_once(contacts: Slices) -> None:
    ids = [await create(contacts, str(number), name=f"Ann {number}") for number in range(5)]

    listed = await _all(contacts)
    searched = await _all(contacts, q="ann")

    assert listed == list(reversed(ids))
    assert searched == ids


async def _all(contacts: Slices, **parameters: str) -> list[str]:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(10):
        page = await contacts.ask("/v1/customers", limit=2, **parameters, **cursor)
        seen += [customer["id"] for customer in page["customers"]]
        if page["next_cursor"] is None:
            return seen
        cursor = {"cursor": page["next_cursor"]}
    raise AssertionError("the pages have no end")


async def test_a_foreign_cursor_is_refused(contacts: Slices) -> None:
    for cursor in ("nonsense", "%%%", "AAAA"):
        answer = await contacts.client.get("/v1/customers", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "cursor_unknown")


async def test_changed_and_unset_values_are_found_as_they_are_now(contacts: Slices) -> None:
    ann = await create(contacts, "1", name="Ann Young", emails=["ann@example.org"], phones=["555 0100"])
    body: dict[str, object] = {"pii": {"names": {"display": "Ann Old"}, "phones": []}}

    answer = await contacts.wish(f"/v1/customers/{ann}/change_profile", body)

    assert answer.status_code == 200, answer.text
    assert await found(contacts, "young") == []
    assert await found(contacts, "5550100") == []
    assert await found(contacts, "ann@") == ["Ann Old"]


async def test_two_linked_ids_answer_as_one_until_they_are_unlinked(contacts: Slices) -> None:
    ann = await create(contacts, "1", name="Ann Young", emails=["ann@example.org"])
    await create(contacts, "2", name="Ann Y.", phones=["555 0100"])

    assert await link(contacts, ann, "2") == 200
    (party,) = (await contacts.ask("/v1/customers"))["customers"]
    assert (party["id"], party["name"], len(party["ids"])) == (ann, "Ann Young", 2)
    assert (party["emails"], party["phones"]) == (["ann@example.org"], ["555 0100"])
    assert await found(contacts, "ann") == ["Ann Young"]
    assert await found(contacts, "5550100") == ["Ann Young"]

    assert await unlink(contacts, ann, "2") == 200
    assert sorted(await found(contacts, "ann"), key=str) == ["Ann Y.", "Ann Young"]
    assert len((await contacts.ask("/v1/customers"))["customers"]) == 2


async def test_an_erased_customer_is_counted_and_shown_without_a_name(contacts: Slices) -> None:
    ann = await create(contacts, "1", name="Ann Young", emails=["ann@example.org"])
    await contacts.keyring.destroy(TENANT, [CustomerId(UUID(ann))])

    (customer,) = (await contacts.ask("/v1/customers"))["customers"]
    assert (customer["name"], customer["emails"]) == ("redacted", ["redacted"])

    await contacts.wish(f"/v1/customers/{ann}/change_profile", {"pii": {"names": {"display": "Ann Again"}}})
    assert await found(contacts, "ann again") == []


async def test_names_are_masked_while_the_keyring_is_away_and_found_once_it_is_back(contacts: Slices) -> None:
    answer = await contacts.client.post(
        "/v1/customers", json={"customer": {"email": "ann@example.org"}, "source": "web", "pii": {"name": "Ann Young"}}
    )
    assert answer.status_code == 201
    contacts.keyring.is_away = True
    await contacts.fold()

    page = await contacts.ask("/v1/customers")
    assert (page["customers"][0]["name"], page["is_masked"]) == ("masked", True)
    searched = await contacts.client.get("/v1/customers", params={"q": "ann"})
    assert (searched.status_code, searched.json()["code"]) == (503, "search_filling")

    contacts.keyring.is_away = False
    assert await fill(contacts.keeper, contacts.keyring, Directory().sql) == 1
    assert await found(contacts, "ann") == ["Ann Young"]


async def test_search_waits_after_a_crash_until_it_is_filled_again(contacts: Slices) -> None:
    await create(contacts, "1", name="Ann Young")
    await create(contacts, "2")
    async with contacts.keeper.acquire() as connection:
        for number in range(32):
            await connection.execute(f"TRUNCATE directory_search_v1_r1_p{number}")

    answer = await contacts.client.get("/v1/customers", params={"q": "ann"})
    assert (answer.status_code, answer.json()["code"]) == (503, "search_filling")
    assert len((await contacts.ask("/v1/customers"))["customers"]) == 2

    assert await fill(contacts.keeper, contacts.keyring, Directory().sql) == 32
    assert await found(contacts, "ann") == ["Ann Young"]
    assert await fill(contacts.keeper, contacts.keyring, Directory().sql) == 0


async def test_another_tenant_finds_nobody(contacts: Slices) -> None:
    await create(contacts, "1", name="Ann Young")
    other = contacts.token("contacts:read personal:read", tenant="bolt")

    for parameters in ({}, {"q": "ann"}):
        answer = await contacts.client.get("/v1/customers", params=parameters, headers=other)
        assert answer.json()["customers"] == []


async def test_who_may_not_see_names_gets_masked_ones_and_cannot_search_for_them(contacts: Slices) -> None:
    await create(contacts, "1", name="Ann Young")
    clerk = contacts.token("contacts:read")

    page = (await contacts.client.get("/v1/customers", headers=clerk)).json()
    searched = await contacts.client.get("/v1/customers", params={"q": "ann"}, headers=clerk)

    assert (page["customers"][0]["name"], page["is_masked"]) == ("masked", True)
    assert (searched.status_code, searched.json()["code"]) == (403, "scope_missing")


async def test_the_search_function_refuses_a_connection_without_tenant(contacts: Slices) -> None:
    async with contacts.app.acquire() as connection:
        for tenant in (None, ""):
            if tenant is not None:
                await connection.execute("SELECT set_config('rapport.tenant', $1, false)", tenant)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch("SELECT * FROM search_directory_v1(NULL, '%a%', NULL, NULL, 0, 10)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM directory_search_v1")
