"""What cards and lists of the past are made of: every fact once, with both of its times."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from rapport_events.contracts.base import Event
from rapport_events.contracts.contacts import (
    ConsentGranted,
    ConsentWithdrawn,
    CustomerCreated,
    CustomerCreatedPii,
    CustomerIdentityLinked,
    CustomerIdentityUnlinked,
    CustomerProfileChanged,
    CustomerProfileChangedPii,
    Names,
    Profile,
    ProfileChange,
)
from rapport_events.contracts.privacy import Held, PrivacyErasureCompleted
from rapport_events.ids import CustomerId
from rapport_events.keyring import SealKey
from rapport_events.testing import ANN, BOB, NOON, TENANT
from tests.contacts.wishes import create
from tests.slices import Slices

DAY = timedelta(days=1)
NAME = {"linked_id": CustomerId(BOB), "kind": "external", "system": "shop"}


async def tell(
    contacts: Slices, event: Event, customer: UUID = ANN, *, day: float, recorded_on: float | None = None
) -> None:
    """Let a fact have happened so many days after noon, and be recorded then or on another day."""
    key = (await contacts.keyring.seal_keys(TENANT, [CustomerId(customer)]))[CustomerId(customer)]
    assert isinstance(key, SealKey)
    times: dict[str, Any] = {"at": NOON + day * DAY}
    times["recorded_at"] = times["at"] if recorded_on is None else NOON + recorded_on * DAY
    record = contacts.foreign.next(event, stream=f"customer-{customer}", subject=str(customer), key=key, **times)
    contacts.events.append(record)
    await contacts.fold()


def created(customer: UUID, name: str, **attributes: str | bool | int) -> CustomerCreated:
    pii = CustomerCreatedPii(names=Names(display=name), emails=(f"{name.lower()}@example.org",))
    return CustomerCreated(
        customer_id=CustomerId(customer), kind="person", source="shop", attributes=attributes, pii=pii
    )


def renamed(name: str) -> CustomerProfileChanged:
    pii = CustomerProfileChangedPii(new=Profile(names=Names(display=name)))
    return CustomerProfileChanged(changes=(ProfileChange(field="names"),), pii=pii)


def asked(moments: Mapping[str, float]) -> dict[str, str]:
    return {name: (NOON + day * DAY).isoformat() for name, day in moments.items()}


async def name(contacts: Slices, customer: UUID = ANN, **moments: float) -> str | None:
    card = await contacts.ask(f"/v1/customers/{customer}", **asked(moments))
    shown: str | None = card["name"]
    return shown


async def names(contacts: Slices, **moments: float) -> list[str | None]:
    return [customer["name"] for customer in (await contacts.ask("/v1/customers", **asked(moments)))["customers"]]


async def test_a_late_change_changes_what_was_true_and_not_what_we_believed(contacts: Slices) -> None:
    await tell(contacts, created(ANN, "Ann"), day=0)
    await tell(contacts, renamed("Ann Young"), day=6)
    await tell(contacts, renamed("Ann Old"), day=2, recorded_on=8)

    assert await name(contacts, as_of=1) == "Ann"
    assert await name(contacts, as_of=3) == "Ann Old"
    assert await name(contacts, as_of=7) == "Ann Young"
    assert await name(contacts, known_at=7) == "Ann Young"
    assert await name(contacts, as_of=3, known_at=7) == "Ann"
    assert await name(contacts, known_at=8) == await name(contacts) == "Ann Old"


async def test_a_card_of_the_past_says_which_moment_it_shows(contacts: Slices) -> None:
    await tell(contacts, created(ANN, "Ann", job="clerk"), day=0)

    now = await contacts.ask(f"/v1/customers/{ANN}")
    then = await contacts.ask(f"/v1/customers/{ANN}", **asked({"as_of": 1}))

    assert (now["moment"], then["moment"]["as_of"], then["moment"]["known_at"]) == (None, "2026-03-03T12:00:00Z", None)
    parts = {"moment", "freshness"}
    assert {k: v for k, v in now.items() if k not in parts} == {k: v for k, v in then.items() if k not in parts}


async def test_consents_and_names_from_outside_stand_as_they_did(contacts: Slices) -> None:
    await tell(contacts, created(ANN, "Ann"), day=0)
    await tell(contacts, ConsentGranted(purpose="news", channel="email", wording_version="1"), day=1)
    await tell(contacts, CustomerIdentityLinked(**NAME, strength="strong", method="declared"), day=2)  # type: ignore[arg-type]
    await tell(contacts, ConsentWithdrawn(purpose="news"), day=3)
    await tell(contacts, CustomerIdentityUnlinked(**NAME), day=4)  # type: ignore[arg-type]

    shown: list[tuple[list[tuple[str | None, str]], int]] = []
    for day in (0.5, 1.5, 2.5, 3.5, 4.5):
        card = await contacts.ask(f"/v1/customers/{ANN}", **asked({"as_of": day}))
        said = [(consent["channel"], consent["state"]) for consent in card["consents"]]
        shown.append((said, len(card["identities"])))

    granted, withdrawn = [("email", "granted")], [(None, "withdrawn")]
    assert shown == [([], 0), (granted, 0), (granted, 1), (withdrawn, 1), (withdrawn, 0)]


async def test_nobody_has_a_card_before_becoming_known(contacts: Slices) -> None:
    await tell(contacts, created(ANN, "Ann"), day=1, recorded_on=5)

    for moments in ({"as_of": 0.0}, {"known_at": 4.0}, {"as_of": 2.0, "known_at": 4.0}):
        answer = await contacts.client.get(f"/v1/customers/{ANN}", params=asked(moments))
        assert (answer.status_code, answer.json()["code"]) == (404, "customer_not_known_then")


async def test_a_list_holds_who_was_known_then_newest_first(contacts: Slices) -> None:
    people = {UUID(int=0x8000_8000_0000_0000_0000 + n): f"P{n}" for n in range(5)}
    for n, (customer, called) in enumerate(people.items()):
        await tell(contacts, created(customer, called), customer, day=n, recorded_on=10 - n if n > 3 else n)
    await tell(contacts, renamed("P0 now"), next(iter(people)), day=9)

    assert await names(contacts, as_of=2) == ["P2", "P1", "P0"]
    assert await names(contacts, as_of=9) == ["P4", "P3", "P2", "P1", "P0 now"]
    assert await names(contacts, known_at=5) == ["P3", "P2", "P1", "P0"]
    assert await names(contacts, as_of=2, known_at=1) == ["P1", "P0"]

    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = await contacts.ask("/v1/customers", limit=2, **asked({"as_of": 3.5}), **cursor)
        seen += [customer["name"] for customer in page["customers"]]
        cursor = {"cursor": page["next_cursor"]}
        if page["next_cursor"] is None:
            break
    assert seen == ["P3", "P2", "P1", "P0"]


async def test_a_party_stands_in_a_list_once_even_where_its_root_became_known_later(contacts: Slices) -> None:
    await tell(contacts, created(BOB, "Bob"), BOB, day=0)
    await tell(contacts, created(ANN, "Ann"), day=2)
    await tell(contacts, CustomerIdentityLinked(**NAME, strength="strong", method="declared"), day=4)  # type: ignore[arg-type]

    assert await names(contacts, as_of=1) == ["Bob"]
    assert await names(contacts, as_of=3) == ["Ann"]
    assert await names(contacts, known_at=3) == ["Ann", "Bob"]
    assert await names(contacts, known_at=4) == ["Ann"]


async def test_search_says_that_it_has_no_past(contacts: Slices) -> None:
    answer = await contacts.client.get("/v1/customers", params={"q": "ann", **asked({"as_of": 1})})

    assert (answer.status_code, answer.json()["code"]) == (422, "search_has_no_past")


async def test_an_erased_person_has_no_name_in_the_past_either(contacts: Slices) -> None:
    ann = await create(contacts, "1", name="Ann Young")
    await contacts.keyring.destroy(TENANT, [CustomerId(UUID(ann))])

    page = await contacts.ask("/v1/customers", known_at=datetime.now(NOON.tzinfo).isoformat())

    assert [customer["name"] for customer in page["customers"]] == ["redacted"]


async def test_a_completed_erasure_takes_the_person_out_of_the_past_too(contacts: Slices) -> None:
    await tell(contacts, created(ANN, "Ann", job="clerk"), day=0)
    await tell(contacts, CustomerIdentityUnlinked(**NAME), day=1)  # type: ignore[arg-type]
    held = Held(events=1, values=2)
    erased = PrivacyErasureCompleted(
        request_id=BOB,
        customer_ids=(CustomerId(ANN),),
        erased_at=NOON,
        key_ids=(),
        before=held,
        after=held,
        certificate_hash="0" * 64,
    )
    await tell(contacts, erased, day=2)

    card = await contacts.ask(f"/v1/customers/{ANN}", **asked({"as_of": 1}))
    assert (card["name"], card["emails"], card["attributes"]) == ("redacted", ["redacted"], {"job": "clerk"})
    async with contacts.keeper.acquire() as connection:
        kept = await connection.fetch("SELECT personal FROM history_v1 ORDER BY position")
    assert [orjson.loads(row["personal"]) for row in kept] == [{"names": "redacted", "emails": "redacted"}, {}]


async def test_a_consent_is_asked_for_in_either_time(contacts: Slices) -> None:
    await tell(contacts, created(ANN, "Ann"), day=0)
    await tell(contacts, ConsentGranted(purpose="news", wording_version="1", valid_until=NOON + 5 * DAY), day=1)
    await tell(contacts, ConsentWithdrawn(purpose="news"), day=2, recorded_on=4)

    async def state(**moments: float) -> str:
        answer = await contacts.ask(f"/v1/customers/{ANN}/consent", purpose="news", **asked(moments))
        return str(answer["state"])

    assert await state(as_of=1.5) == "granted"
    assert await state(as_of=3) == "withdrawn"
    assert await state(known_at=3) == "granted"
    assert await state(as_of=3, known_at=3) == "granted"
    assert await state(as_of=6, known_at=3) == "expired"
    assert await state(known_at=0.5) == "never_said"


async def test_a_fact_that_comes_twice_is_kept_once(contacts: Slices) -> None:
    await tell(contacts, created(ANN, "Ann"), day=0)
    contacts.events += contacts.events
    await contacts.fold()

    async with contacts.keeper.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM history_v1") == 1
