"""Every field says since when it has its value, by whom, and from which event."""

from tests.chassis.tokens import sign
from tests.contacts.wishes import create, link
from tests.slices import Slices


async def test_a_field_names_the_event_that_said_it_last(contacts: Slices) -> None:
    ann = await create(contacts, "1", name="Ann Young", phones=["555 0100"])
    agent = f"Bearer {sign(contacts.key, scope='contacts:write', sub='agent-7')}"
    changed = await contacts.wish(
        f"/v1/customers/{ann}/change_profile",
        {"pii": {"names": {"display": "Ann Old"}, "phones": []}, "attributes": {"vip": True}},
        Authorization=agent,
    )

    fields = {each["field"]: each for each in (await contacts.ask(f"/v1/customers/{ann}/fields"))["fields"]}

    said = {name: fields[name]["value"] for name in ("names", "phones", "source", "attributes.vip")}
    assert said == {"names": {"display": "Ann Old"}, "phones": None, "source": "shop", "attributes.vip": True}
    assert {fields[name]["event_id"] for name in ("names", "phones", "attributes.vip")} == {
        changed.json()["event_ids"][0]
    }
    assert fields["names"]["actor"] == "agent-7"
    assert fields["source"]["actor"] != "agent-7"
    assert fields["source"]["since"] < fields["names"]["since"]


async def test_all_ids_of_a_party_tell_their_own_the_root_first(contacts: Slices) -> None:
    ann, other = await create(contacts, "1", name="Ann"), await create(contacts, "2", name="Annie")
    await link(contacts, ann, "2")

    fields = (await contacts.ask(f"/v1/customers/{other}/fields"))["fields"]

    named = [(each["customer_id"], each["value"]["display"]) for each in fields if each["field"] == "names"]
    assert named == [(ann, "Ann"), (other, "Annie")]


async def test_who_may_not_see_names_sees_who_said_them(contacts: Slices) -> None:
    ann = await create(contacts, "1", name="Ann")

    answer = await contacts.client.get(f"/v1/customers/{ann}/fields", headers=contacts.token("contacts:read"))

    (name,) = (each for each in answer.json()["fields"] if each["field"] == "names")
    assert (name["value"], answer.json()["is_masked"]) == ("masked", True)


async def test_nobody_unknown_has_fields(contacts: Slices) -> None:
    ann = await create(contacts, "1", name="Ann")

    then = await contacts.client.get(f"/v1/customers/{ann}/fields", params={"as_of": "2020-01-01T00:00:00Z"})
    nobody = await contacts.client.get("/v1/customers/00000000-0000-8000-8000-00000000a000/fields")

    assert (then.status_code, then.json()["code"]) == (404, "customer_not_known_then")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "customer_not_found")
