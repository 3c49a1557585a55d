"""Many clients of two processes decide on the same thing at once: one wins, and one order explains all answers."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from typing import Any, Final

import asyncpg
import httpx
import pytest

from tests.chassis.doors import Doors, two_doors
from tests.chassis.houses import House
from tests.interactions.versions import Called, contradictions

CLIENTS: Final = 64
CASES: Final = 4
TURNS: Final = 6
COMPLAINT: Final = {
    "customer": {"system": "shop", "external_id": "17850"},
    "category": "delivery",
    "channel": "web",
}


@pytest.fixture
async def doors(house: House) -> AsyncIterator[Doors]:
    async with two_doors(house, ("rapport_chassis.run",), connections=CLIENTS) as opened:
        yield opened


async def complain(doors: Doors) -> str:
    answer = await doors.clients[0].post("/v1/complaints", json=COMPLAINT)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def assigned(doors: Doors, case: str) -> list[tuple[int, str]]:
    """Return the versions of a case in which it was given to somebody, with whom."""
    connection = await asyncpg.connect(doors.house.database.admin)
    try:
        rows = await connection.fetch(
            "SELECT version, data::jsonb ->> 'agent_id' AS agent FROM events WHERE stream = $1"
            " AND type = 'crm.case.assigned.v1' ORDER BY version",
            f"case-{case}",
        )
    finally:
        await connection.close()
    return [(row["version"], row["agent"]) for row in rows]


async def test_of_decisions_that_exclude_each_other_one_wins_without_if_match(doors: Doors) -> None:
    case = await complain(doors)

    async def resolve(number: int) -> httpx.Response:
        wish = {"resolution_code": f"remedy-{number}"}
        return await doors.clients[number % 2].post(f"/v1/cases/{case}/resolve", json=wish)

    answers = await asyncio.gather(*(resolve(number) for number in range(CLIENTS)))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: CLIENTS - 1}
    winner = next(number for number, answer in enumerate(answers) if answer.status_code == 200)
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {problem["code"] for problem in refused} == {"case_already_resolved"}
    assert {problem["facts"]["resolution_code"] for problem in refused} == {f"remedy-{winner}"}
    assert await doors.events() == 2


async def test_one_order_explains_what_all_callers_are_told_of_versions(doors: Doors) -> None:
    cases = [await complain(doors) for _ in range(CASES)]
    calls: dict[str, list[Called]] = {case: [] for case in cases}
    made: dict[str, list[tuple[int, str]]] = {case: [] for case in cases}
    raced = 0

    async def write(number: int) -> None:
        nonlocal raced
        chance = Random(number)  # noqa: S311  # a repeatable run, no secret
        known = dict.fromkeys(cases, 1)
        for turn in range(TURNS):
            case, agent = chance.choice(cases), f"agent-{number}-{turn}"
            headers = {"If-Match": f'"{known[case]}"'} if chance.random() < 0.7 else {}
            began = time.monotonic()
            answer = await doors.clients[(number + turn) % 2].post(
                f"/v1/cases/{case}/assign", json={"agent_id": agent}, headers=headers
            )
            ended, told = time.monotonic(), answer.json()
            if answer.status_code == 409:
                assert (told["code"], headers) == ("version_race", {})
                raced += 1
                continue
            assert answer.status_code in {200, 412}, answer.text
            is_made = answer.status_code == 200
            version = int(told["version"] if is_made else told["facts"]["current"])
            assert version >= known[case], "versions never go backwards for a caller"
            known[case] = version
            calls[case].append(Called(began, ended, version, is_made))
            if is_made:
                made[case].append((version, agent))

    await asyncio.gather(*(write(number) for number in range(CLIENTS)))

    for case in cases:
        assert contradictions(calls[case]) == []
        assert await assigned(doors, case) == sorted(made[case]), "each version is whose answer says so"
    told: Counter[Any] = Counter(call.made for each in calls.values() for call in each)
    assert min(told[True], told[False]) > CLIENTS / 2
    assert told.total() + raced == CLIENTS * TURNS


@pytest.mark.parametrize(
    ("calls", "why"),
    [
        ([Called(0, 1, 2, made=True), Called(2, 3, 2, made=True)], "version 2 was made 2 times"),
        ([Called(0, 1, 3, made=True)], "version 2 was made 0 times"),
        ([Called(0, 1, 3, made=True), Called(2, 3, 2, made=True)], "version 3 was made before version 2"),
        ([Called(0, 1, 2, made=False), Called(2, 3, 2, made=True)], "version 2 was found before it was made"),
        ([Called(0, 1, 2, made=True), Called(2, 3, 1, made=False)], "version 2 was made before version 1"),
    ],
)
def test_what_no_order_explains_is_noticed(calls: list[Called], why: str) -> None:
    assert why in contradictions(calls)


def test_calls_at_the_same_time_may_have_come_in_any_order() -> None:
    calls = [Called(0, 9, 3, made=True), Called(1, 8, 2, made=True), Called(2, 3, 1, made=False)]

    assert contradictions(calls) == []
