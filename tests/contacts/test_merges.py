"""Merged customers answer as one, and as two again after an un-merge."""

import asyncio
from typing import Any

from tests.contacts.wishes import create, found, link, shop
from tests.slices import Slices

Json = dict[str, Any]


async def merge(contacts: Slices, customer: str, survivor: str, **choices: str) -> Json:
    """Merge a customer, and return what was answered."""
    chosen = [{"field": field, "keep": keep} for field, keep in choices.items()]
    body = {"survivor_id": survivor, "field_choices": chosen}
    answer = await contacts.wish(f"/v1/customers/{customer}/merge", body)
    return {"status": answer.status_code, **answer.json()}


async def unmerge(contacts: Slices, customer: str) -> int:
    return (await contacts.wish(f"/v1/customers/{customer}/unmerge", {})).status_code


async def card(contacts: Slices, customer: str) -> Json:
    found = await contacts.ask(f"/v1/customers/{customer}")
    found.pop("freshness")
    return found


async def ann_and_twin(contacts: Slices) -> tuple[str, str]:
    ann = await create(contacts, "1", name="Ann Young", emails=["ann@example.org"])
    twin = await create(contacts, "2", name="A. Young", emails=["a@example.org"], phones=["555 0100"])
    return ann, twin


async def test_a_merged_customer_is_found_under_its_survivor(contacts: Slices) -> None:
    ann, twin = await ann_and_twin(contacts)

    assert (await merge(contacts, twin, ann))["status"] == 200

    (party,) = (await contacts.ask("/v1/customers"))["customers"]
    assert (party["id"], party["name"], sorted(party["ids"])) == (ann, "Ann Young", sorted([ann, twin]))
    assert party["emails"] == ["ann@example.org", "a@example.org"]
    assert await found(contacts, "5550100") == ["Ann Young"]
    assert await card(contacts, ann) == await card(contacts, twin)
    (shown,) = (await card(contacts, ann))["merges"]
    assert (shown["customer_id"], shown["survivor_id"]) == (twin, ann)


async def test_choices_say_whose_values_show(contacts: Slices) -> None:
    ann, twin = await ann_and_twin(contacts)
    for customer, job in ((ann, "baker"), (twin, "clerk")):
        await contacts.wish(f"/v1/customers/{customer}/change_profile", {"attributes": {"job": job}})

    choices = {"names": "merged", "emails": "merged", "phones": "survivor", "attributes.job": "merged"}
    await merge(contacts, twin, ann, **choices)

    shown = await card(contacts, ann)
    assert (shown["id"], shown["name"], shown["emails"], shown["phones"]) == (ann, "A. Young", ["a@example.org"], [])
    assert shown["attributes"] == {"job": "clerk"}
    assert shown["merges"][0]["choices"] == choices


async def test_an_unmerge_gives_each_its_own_back(contacts: Slices) -> None:
    ann, twin = await ann_and_twin(contacts)
    before = [await card(contacts, customer) for customer in (ann, twin)]
    await merge(contacts, twin, ann, names="merged")

    assert await unmerge(contacts, twin) == 200

    assert [await card(contacts, customer) for customer in (ann, twin)] == before
    assert len((await contacts.ask("/v1/customers"))["customers"]) == 2
    assert (await merge(contacts, twin, ann))["status"] == 200
    assert (await card(contacts, twin))["name"] == "Ann Young"


async def test_what_is_recorded_under_a_merged_id_stays_with_it(contacts: Slices) -> None:
    ann, twin = await ann_and_twin(contacts)
    await merge(contacts, twin, ann)
    for customer, phone in ((ann, "555 0200"), (twin, "555 0300")):
        await contacts.wish(f"/v1/customers/{customer}/change_profile", {"pii": {"phones": [phone]}})

    assert (await card(contacts, ann))["phones"] == ["555 0200", "555 0300"]

    await unmerge(contacts, twin)
    assert (await card(contacts, ann))["phones"] == ["555 0200"]
    assert (await card(contacts, twin))["phones"] == ["555 0300"]


async def test_a_chain_of_merges_is_one_party_and_comes_apart_where_it_is_cut(contacts: Slices) -> None:
    ann, twin = await ann_and_twin(contacts)
    third = await create(contacts, "3", name="Ann Old")
    await link(contacts, third, "4")
    await merge(contacts, twin, ann)
    await merge(contacts, third, ann, names="merged")
    bob = await create(contacts, "5", name="Bob Miller")
    await merge(contacts, ann, bob, names="merged")

    whole = await card(contacts, twin)
    assert (whole["id"], whole["name"], len(whole["ids"])) == (bob, "Ann Old", 5)

    await unmerge(contacts, third)
    assert (await card(contacts, bob))["name"] == "Ann Young"
    assert len((await card(contacts, third))["ids"]) == 2


async def test_refusals_name_who_stands_in_the_way(contacts: Slices) -> None:
    ann, twin = await ann_and_twin(contacts)
    bob = await create(contacts, "3", name="Bob Miller")
    await merge(contacts, twin, ann)

    for customer, survivor, code in (
        (twin, bob, "customer_already_merged"),
        (ann, twin, "party_circle"),
        (bob, twin, "survivor_is_part"),
        (ann, ann, "cannot_merge_into_itself"),
        (bob, "00000000-0000-8000-8000-00000000a000", "survivor_not_found"),
    ):
        answer = await merge(contacts, customer, survivor)
        assert (answer["status"] in {404, 409}, answer["code"]) == (True, code)
    answer = await merge(contacts, twin, bob)
    assert answer["facts"] == {"customer_id": twin, "survivor_id": ann}


async def test_links_close_no_circle_and_give_nobody_two_parents(contacts: Slices) -> None:
    ann, twin = await ann_and_twin(contacts)
    bob = await create(contacts, "3", name="Bob Miller")
    await merge(contacts, twin, ann)

    for customer, name, code in ((twin, "1", "party_circle"), (bob, "2", "identity_is_merged")):
        answer = await contacts.wish(f"/v1/customers/{customer}/link_identity", {"identity": shop(name)})
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert await link(contacts, bob, "1") == 200
    assert (await card(contacts, twin))["id"] == bob
    answer = await contacts.wish(f"/v1/customers/{ann}/link_identity", {"identity": shop("3")})
    assert (answer.status_code, answer.json()["code"]) == (409, "party_circle")


async def test_a_preview_is_what_the_merge_makes_of_them(contacts: Slices) -> None:
    ann, twin = await ann_and_twin(contacts)
    await contacts.wish(f"/v1/customers/{twin}/change_profile", {"attributes": {"job": "clerk"}})
    keep = ["names:merged", "emails:survivor"]

    preview = (
        await contacts.client.get(f"/v1/customers/{twin}/merge-preview", params={"survivor": ann, "keep": keep})
    ).json()

    assert (preview["customer"]["id"], preview["survivor"]["id"], preview["refused"]) == (twin, ann, None)
    assert [(each["field"], each["keep"]) for each in preview["differences"]] == [
        ("names", "merged"),
        ("emails", "survivor"),
        ("phones", "both"),
        ("attributes.job", "survivor"),
    ]
    assert preview["differences"][2] == {
        "field": "phones",
        "merged": ["555 0100"],
        "survivor": [],
        "choices": ["both", "survivor", "merged"],
        "keep": "both",
    }
    await merge(contacts, twin, ann, names="merged", emails="survivor")
    shown = await card(contacts, ann)
    assert {name: shown[name] for name in preview["result"]} == preview["result"]


async def test_a_preview_says_why_a_merge_would_be_refused(contacts: Slices) -> None:
    ann, twin = await ann_and_twin(contacts)
    await merge(contacts, twin, ann)

    preview = await contacts.ask(f"/v1/customers/{ann}/merge-preview", survivor=twin)
    nobody = await contacts.client.get(f"/v1/customers/{ann}/merge-preview?survivor={ann[:-1]}0")
    foolish = await contacts.client.get(f"/v1/customers/{ann}/merge-preview?survivor={twin}&keep=names:both")

    assert (preview["result"], preview["refused"]["code"]) == (None, "party_circle")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "survivor_not_found")
    assert (foolish.status_code, foolish.json()["code"]) == (422, "malformed")


async def test_a_merge_knows_of_all_that_was_acknowledged_before(contacts: Slices) -> None:
    ann, twin = await ann_and_twin(contacts)
    bob = await create(contacts, "3", name="Bob Miller")
    await merge(contacts, twin, ann)
    await contacts.client.post(f"/v1/customers/{twin}/unmerge", json={})

    async with asyncio.TaskGroup() as group:
        merging = group.create_task(merge(contacts, twin, bob))
        group.create_task(contacts.fold())

    assert merging.result()["status"] == 200
