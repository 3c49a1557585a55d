"""Whatever is in a ledger or a topic: nothing is lost, nothing counts twice, and nobody else waits for what is bad."""

import random
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

import orjson
import pytest

from rapport_cli.verifying.checker import check_place
from rapport_events.ledger import Append
from rapport_events.packing import DATA_BYTES_MAX
from tests.attacks.callers import START_SECONDS, Callers, wrong
from tests.attacks.records import (
    TRACE,
    P,
    Raw,
    changed,
    customers,
    event_id,
    open_ledger,
    publish,
    purchase,
    raw,
    record,
    recorded,
    without,
)
from tests.waiting import until

DELAY_SECONDS_MAX = 1.0
GOOD = {"total": "1.00", "currency": "EUR"}


def ids(appends: Iterable[Append]) -> list[str]:
    return [event_id(each) for each in appends]


async def start(callers: Callers, roles: str) -> None:
    await callers.house.start(roles)
    await until(callers.house.is_ready, seconds=START_SECONDS, what=f"{roles} are ready")


async def until_folded(callers: Callers, wanted: Collection[str]) -> None:
    async def are_folded() -> bool:
        return {entry.event_id for entry in await callers.read_model()} >= set(wanted)

    await until(are_folded, seconds=START_SECONDS, what=f"{len(wanted)} purchases are folded")


async def alarms(callers: Callers, *, discarded: Collection[str] = ()) -> list[str]:
    """Hold the read model against the ledger."""
    expected = [entry for entry in await callers.ledger() if entry.event_id not in discarded]
    return wrong([check_place(expected, await callers.read_model(), "sums")])


async def parked(callers: Callers) -> dict[str, dict[str, Any]]:
    async with callers.house.client() as client:
        answer = await client.get("/v1/parked")
        assert answer.status_code == 200, answer.text
        return {each["event_id"]: each for each in answer.json()["parked"]}


async def until_parked(callers: Callers, wanted: Collection[str]) -> dict[str, dict[str, Any]]:
    async def are_parked() -> bool:
        return (await parked(callers)).keys() >= set(wanted)

    await until(are_parked, seconds=START_SECONDS, what=f"{len(wanted)} records are set aside")
    return await parked(callers)


def bad_facts(people: Sequence[UUID]) -> dict[str, Append]:
    """Make what a ledger may hold and a view cannot fold, each about another customer."""
    one, two, three, four = people
    return {
        "MsgspecError: cannot decode": purchase(one, orjson.dumps({"total": "many"})),
        "ValidationError: cannot decode": purchase(two, b"[]"),
        "tests.events.sums.PoisonError": purchase(three, orjson.dumps({**GOOD, "total": "13.13"})),
        "unknown major version": purchase(four, of_type="crm.customer.purchased.v9", schema="9.0"),
    }


async def test_facts_that_cannot_be_folded_wait_with_their_customers_and_nobody_else(callers: Callers) -> None:
    await start(callers, "http,mirror,readers")
    people = customers(9)
    *others, future, one, two, three, four = people
    bad = bad_facts([one, two, three, four])
    calm = [purchase(customer) for customer in people]
    began = time.monotonic()
    await record(callers.house, calm)
    await until_folded(callers, ids(calm))
    calm_seconds = time.monotonic() - began

    later = orjson.dumps({**GOOD, "of_tomorrow": {"nobody": "knows"}})
    good = [*map(purchase, others), purchase(future, later, schema="1.99"), *map(purchase, others)]
    behind = [purchase(customer) for customer in (one, two, three, four)]
    began = time.monotonic()
    await record(callers.house, [*good[:3], *bad.values(), *good[3:], *behind])
    await until_folded(callers, ids(good))
    seconds = time.monotonic() - began
    print(f"others waited {seconds:.2f} s, {calm_seconds:.2f} s without anything bad")  # noqa: T201  # shown with -s

    assert seconds - calm_seconds <= DELAY_SECONDS_MAX
    held = await until_parked(callers, ids(bad.values()))
    for cause, each in bad.items():
        await check_shown(callers, held[event_id(each)], cause, each)
    discarded = {event_id(bad["unknown major version"])}
    for each in bad.values():
        await release(callers, event_id(each), is_discarded=event_id(each) in discarded)
    assert await parked(callers) == {}
    assert await alarms(callers, discarded=discarded) == []


async def check_shown(callers: Callers, shown: dict[str, Any], cause: str, appended: Append) -> None:
    """See that an operator is shown why, where and what, and from which trace it came."""
    async with callers.house.client() as client:
        whole = (await client.get(f"/v1/parked/{event_id(appended)}")).json()
    assert cause.partition(": ")[2] in shown["cause"], shown["cause"]
    assert (shown["partition"], shown["behind"], shown["tries"]) == (P, 1, 1)
    assert whole["headers"]["ce_position"] == str(shown["position"])
    assert whole["headers"]["ce_traceparent"] == TRACE
    assert whole["value"].encode() == appended.streams[0].events[0].data


async def release(callers: Callers, event: str, *, is_discarded: bool) -> None:
    wish = {"reason": "a slip of the pen"} | ({} if is_discarded else {"value": GOOD})
    async with callers.house.client() as client:
        answer = await client.post(f"/v1/parked/{event}/{'discard' if is_discarded else 'retry'}", json=wish)
    assert answer.status_code == 200, answer.text
    assert answer.json()["is_released"]


@pytest.mark.parametrize("seed", [1, 2])
async def test_records_that_come_again_shuffled_and_with_holes_count_once_and_in_order(
    callers: Callers, seed: int
) -> None:
    await start(callers, "http,readers")
    await open_ledger(callers.house)
    people = customers(6)
    await record(callers.house, [purchase(people[number % 6]) for number in range(60)])
    chance = random.Random(seed)  # noqa: S311  # a repeatable shuffle, no secret
    rows = await recorded(callers.house)
    copies = [raw(row) for row in rows if chance.random() < 0.9 for _ in range(chance.randint(1, 3))]
    chance.shuffle(copies)

    await publish(callers.house, copies)
    await callers.house.start("mirror")
    await callers.until_shown()

    assert await alarms(callers) == []
    assert await parked(callers) == {}


async def test_rubbish_between_the_records_of_a_topic_costs_nothing(callers: Callers) -> None:
    await start(callers, "http,mirror,readers")
    people = customers(4)
    first = [purchase(customer) for customer in people]
    await record(callers.house, first)
    await until_folded(callers, ids(first))
    [row, *_] = await recorded(callers.house)
    rubbish: list[Raw] = [
        (None, []),
        (b"\x00\xff", [("x", b"\xff\xfe")]),
        without(row, "ce_position"),
        changed(row, "ce_position", b"\xff"),
        changed(row, "ce_position", b"1e3"),
        changed(row, "ce_position", b"9" * 5_000),
        raw(row),
        (None, to_another_value(row.data)),
    ]

    began = time.monotonic()
    await publish(callers.house, rubbish)
    second = [purchase(customer) for customer in people]
    await record(callers.house, second)
    await until_folded(callers, ids(second))
    print(f"{len(rubbish)} pieces of rubbish and {len(second)} good ones: {time.monotonic() - began:.2f} s")  # noqa: T201

    assert await alarms(callers) == []
    assert await parked(callers) == {}


def to_another_value(data: bytes) -> list[tuple[str, bytes]]:
    """Return headers that are none of ours."""
    return [("content-type", data), ("", b"")]


async def test_a_record_that_was_spoilt_on_its_way_is_set_aside_and_others_go_on(callers: Callers) -> None:
    await start(callers, "http,readers")
    await open_ledger(callers.house)
    people = customers(12)
    await record(callers.house, [purchase(customer) for customer in [*people, *people]])
    rows = await recorded(callers.house)
    spoilt: list[Raw] = [
        (b"\xff\xfe", raw(rows[0])[1]),
        (None, raw(rows[1])[1]),
        (b"null", raw(rows[2])[1]),
        changed(rows[3], "ce_dataschema", b"\xff"),
        changed(rows[4], "ce_time", b"tomorrow"),
        changed(rows[5], "ce_streamversion", b"9" * 5_000),
        changed(rows[6], "ce_subject", b"\xff"),
        changed(rows[7], "ce_subject", b"a\x00b"),
        changed(rows[8], "ce_type", b"crm.customer.purchased.v\x00"),
        without(rows[9], "ce_id"),
        without(rows[10], "ce_tenantid"),
        (rows[11].data, [*raw(rows[11])[1], ("x", b"\xff\xfe")]),
    ]

    await publish(callers.house, [*spoilt, *map(raw, rows[12:])])
    await callers.until_shown()

    aside = await callers.fetch("SELECT position, cause, value FROM parked WHERE released_at IS NULL ORDER BY position")
    # Behind what does not say whose it is nobody waits.
    behind = [rows[12 + number] for number in range(11) if number not in {6, 7, 10}]
    assert [row["position"] for row in aside] == [row.position for row in [*rows[:11], *behind]]
    assert [row["value"] for row in aside] == [value or b"" for value, _ in spoilt[:11]] + [row.data for row in behind]
    assert all(row["cause"] for row in aside)
    others = {str(row.event_id) for row in rows} - {str(row.event_id) for row in [*rows[:11], *behind]}
    assert sorted(entry.event_id for entry in await callers.read_model()) == sorted(others)


async def test_an_event_as_large_as_may_be_arrives_and_a_larger_one_is_refused_and_never_recorded(
    callers: Callers,
) -> None:
    await start(callers, "http,mirror,readers")
    [ann, bob] = customers(2)
    sized = [purchase(ann, padded(size)) for size in (DATA_BYTES_MAX - 1, DATA_BYTES_MAX)]
    await record(callers.house, sized)
    with pytest.raises(ValueError, match="are more than"):
        await record(callers.house, [purchase(bob, padded(DATA_BYTES_MAX + 1))])
    await until_folded(callers, ids(sized))

    fits, exceeds = 190_000, 200_000
    while exceeds - fits > 1:
        middle = (fits + exceeds) // 2
        if await say(callers, middle) == 413:
            exceeds = middle
        else:
            fits = middle

    largest = await callers.fetch("SELECT max(octet_length(data::text)) AS bytes FROM events")
    assert largest[0]["bytes"] == DATA_BYTES_MAX
    await callers.until_shown()
    async with callers.house.client() as client:
        state = (await client.get("/v1/ledger")).json()
    await until(lambda: is_mirrored(callers), seconds=START_SECONDS, what="nothing is stuck in the ledger")
    assert sum(state["heads"]) == len(await callers.ledger())


def padded(size: int) -> bytes:
    """Return a purchase of exactly so many bytes."""
    start = orjson.dumps({**GOOD, "note": ""})[:-2]
    return start + b"x" * (size - len(start) - 2) + b'"}'


async def say(callers: Callers, size: int) -> int:
    """Let Ann write so many bytes."""
    text = "🙂" * (size // 4) + "x" * (size % 4)
    wish = {"customer": {"system": "shop", "external_id": "ann"}, "text": text}
    async with callers.house.client() as client:
        answer = await client.post("/v1/contacts", json=wish)
    assert answer.status_code == 201 or answer.json()["code"] == "event_too_large", answer.text
    return answer.status_code


async def is_mirrored(callers: Callers) -> bool:
    async with callers.house.client() as client:
        state = (await client.get("/v1/ledger")).json()
    return bool(state["heads"] == state["reach"])
