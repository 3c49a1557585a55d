"""Erasures are carried through step by step, by whatever process is there, and nothing of the person is left."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

import pytest

from rapport_contacts.app import service
from rapport_contacts.erasing import Erasing
from rapport_contacts.rewriting import rewrite
from rapport_contacts.views.directory import Directory
from rapport_events.certificates import certificate_hash
from rapport_events.ids import CustomerId
from rapport_events.testing import TENANT
from tests.contacts.wishes import create, found, link, shop
from tests.slices import Slices

NAME = "Ann Young"


@pytest.fixture
async def ann(contacts: Slices) -> str:
    """Create Ann, with a second id under which the shop knows her."""
    ann = await create(contacts, "1", name=NAME, emails=["ann@example.org"], phones=["555 0100"])
    await create(contacts, "2", name="Ann Older")
    await link(contacts, ann, "2")
    await create(contacts, "3", name="Bob Young")
    return ann


def erasing(contacts: Slices, wait_seconds: float = 0) -> Erasing:
    """Return what another process would make."""
    return Erasing(contacts.ledger, contacts.keeper, contacts.keyring, wait_seconds=wait_seconds)


async def erase(contacts: Slices, customer: str) -> dict[str, Any]:
    """Look at the preview, and ask for exactly that."""
    preview = await contacts.ask(f"/v1/customers/{customer}/erasure-preview")
    body = {"customer_ids": preview["customer_ids"]}
    answer = await contacts.wish(f"/v1/customers/{customer}/erase", body)
    assert answer.status_code in {200, 201}, answer.text
    return preview


async def carry_out(contacts: Slices) -> None:
    """Take the two steps, and let the views fold what comes of them."""
    assert [await erasing(contacts).go_on() for _ in range(2)] == [0, 1]
    await contacts.fold()


async def request_of(contacts: Slices, customer: str) -> Mapping[str, Any]:
    found = await contacts.ask(f"/v1/customers/{customer}/privacy")
    (request,) = cast("list[dict[str, Any]]", found["requests"])
    return request


async def test_the_preview_shows_all_ids_and_names_of_the_person(contacts: Slices, ann: str) -> None:
    preview = await contacts.ask(f"/v1/customers/{ann}/erasure-preview")

    assert len(preview["customer_ids"]) == 2
    assert preview["profile"]["name"] == NAME


async def test_a_person_is_erased_under_all_ids(contacts: Slices, ann: str) -> None:
    preview = await erase(contacts, ann)
    await carry_out(contacts)

    for customer in preview["customer_ids"]:
        card = await contacts.ask(f"/v1/customers/{customer}")
        assert (card["name"], card["emails"], card["phones"]) == ("redacted", ["redacted"], ["redacted"])
        assert card["identities"][0]["value"] == "redacted"
    assert await found(contacts, "young") == ["Bob Young"]
    assert await found(contacts, "older") == []


async def test_the_certificate_says_what_was_there_and_that_it_is_gone(contacts: Slices, ann: str) -> None:
    preview = await erase(contacts, ann)
    await carry_out(contacts)
    request = await request_of(contacts, preview["customer_ids"][1])
    certificate = request["certificate"]

    assert (request["kind"], request["state"]) == ("erasure", "done")
    assert certificate["customer_ids"] == preview["customer_ids"]
    assert len(certificate["key_ids"]) == 2
    assert (certificate["before"], certificate["after"]) == ({"events": 5, "values": 7}, {"events": 5, "values": 0})
    event, _ = contacts.events_of("crm.privacy.erasure_completed.v1")
    assert certificate["certificate_hash"] == certificate_hash(TENANT, event)


async def test_keys_are_destroyed_first_and_the_completion_waits(contacts: Slices, ann: str) -> None:
    await erase(contacts, ann)

    assert [await erasing(contacts, wait_seconds=3_600).go_on() for _ in range(3)] == [0, 0, 0]
    assert await contacts.keyring.erased_at(TENANT, [CustomerId(UUID(ann))]) != {}
    assert (await request_of(contacts, ann))["state"] == "open"

    assert await erasing(contacts).go_on() == 1


async def test_completed_twice_is_completed_once(contacts: Slices, ann: str) -> None:
    await erase(contacts, ann)
    await erasing(contacts).go_on()

    # Two processes, neither of which has folded what the other did.
    assert [await erasing(contacts).go_on() for _ in range(2)] == [1, 1]

    assert len(contacts.events_of("crm.privacy.erasure_completed.v1")) == 2


async def test_with_the_keyring_away_nothing_is_completed(contacts: Slices, ann: str) -> None:
    await erase(contacts, ann)
    contacts.keyring.is_away = True

    with pytest.raises(Exception, match="away"):
        await erasing(contacts).go_on()

    contacts.keyring.is_away = False
    await carry_out(contacts)


async def test_links_are_refused_in_between_from_either_side(contacts: Slices, ann: str) -> None:
    await erase(contacts, ann)
    other = await create(contacts, "4")

    assert await link(contacts, ann, "4") == 409
    assert await link(contacts, other, "2") == 409


async def test_an_erasure_names_exactly_what_was_shown(contacts: Slices, ann: str) -> None:
    answer = await contacts.wish(f"/v1/customers/{ann}/erase", {"customer_ids": [ann]})

    assert (answer.status_code, answer.json()["code"]) == (409, "party_not_as_shown")


async def test_search_is_rewritten_once_nobody_sees_what_was_deleted(contacts: Slices, ann: str) -> None:
    (directory,) = [view for view in service.views if isinstance(view, Directory)]
    await erase(contacts, ann)
    async with contacts.keeper.acquire() as reader, reader.transaction(isolation="repeatable_read"):
        await reader.fetch("SELECT FROM directory_search_v1")
        await reader.execute("SELECT pg_current_xact_id()")
        await carry_out(contacts)
        assert await rewrite(contacts.keeper, directory.sql, directory.rebuild) == 0

    assert await rewrite(contacts.keeper, directory.sql, directory.rebuild) == 2
    assert await rewrite(contacts.keeper, directory.sql, directory.rebuild) == 0
    assert await found(contacts, "young") == ["Bob Young"]


async def test_who_comes_back_is_a_new_person(contacts: Slices, ann: str) -> None:
    await erase(contacts, ann)
    await carry_out(contacts)

    again = await create(contacts, "1", name="Ann Again")
    named = await contacts.ask("/v1/customers:named", **shop("1"))

    assert again != ann
    assert named["id"] == again
    assert (await contacts.ask(f"/v1/customers/{again}"))["name"] == "Ann Again"
    assert (await contacts.ask(f"/v1/customers/{ann}"))["name"] == "redacted"


async def test_what_happened_before_the_erasure_stays_with_the_erased_id(contacts: Slices, ann: str) -> None:
    await erase(contacts, ann)
    await carry_out(contacts)
    body = {"customer": shop("1"), "source": "shop", "at": "2026-03-02T12:00:00Z", "pii": {"name": NAME}}

    answer = await contacts.wish("/v1/customers", body)

    assert answer.json()["id"] == ann
    assert answer.json()["event_ids"] == []


async def test_a_late_fact_is_kept_without_the_person(contacts: Slices) -> None:
    unknown = "00000000-0000-8000-8000-00000000a000"
    await erase(contacts, unknown)
    await carry_out(contacts)

    body = {"customer": unknown, "source": "shop", "pii": {"name": NAME}}
    assert (await contacts.wish("/v1/customers", body)).status_code in {200, 201}

    assert (await contacts.ask(f"/v1/customers/{unknown}"))["name"] == "redacted"
    assert len((await contacts.ask("/v1/customers"))["customers"]) == 1
    assert await found(contacts, "young") == []


async def test_a_name_of_an_erased_person_can_be_linked_to_the_new_one(contacts: Slices, ann: str) -> None:
    await erase(contacts, ann)
    await carry_out(contacts)
    again = await create(contacts, "1", name="Ann Again")

    assert await link(contacts, again, "2") == 200
    assert len((await contacts.ask(f"/v1/customers/{again}"))["ids"]) == 2
