"""A group is written at once where all of it seems new; at any doubt it is decided as if nothing had been tried."""

from collections.abc import Callable

import asyncpg
import pytest
from msgspec.structs import replace

from rapport_events.ledger import (
    NONE,
    Append,
    Appended,
    ClaimTaken,
    FactKnown,
    KeyReused,
    Outcome,
    Place,
    VersionConflict,
)
from rapport_events.postgres_ledger import append_within
from tests.events.appends import TENANT, beginning, key, new_stream, request, to
from tests.events.postgres_desk import PostgresDesk

KNOWN = new_stream(3)
HELD = request(to(KNOWN, 3, expected=NONE, count=2), key=key("k"), facts="f", identities="i")
HELD_EVENT = HELD.streams[0].events[-1].event_id
NEW = new_stream(3)

Case = tuple[Callable[[], list[Append]], list[Outcome]]
CASES: dict[str, Case] = {
    "a stream is there already": (
        lambda: [request(to(KNOWN, 3, expected=NONE))],
        [VersionConflict((2,))],
    ),
    "one of two streams is there already": (
        lambda: [request(beginning(3), to(KNOWN, 3, expected=NONE))],
        [VersionConflict((0, 2))],
    ),
    "a stream is begun twice": (
        lambda: [request(to(NEW, 3, expected=NONE)), request(to(NEW, 3, expected=NONE))],
        [Appended((Place(3, 4, 1),)), VersionConflict((1,))],
    ),
    "a stream is begun and continued": (
        lambda: [request(to(NEW, 3, expected=NONE)), request(to(NEW, 3, expected=1))],
        [Appended((Place(3, 4, 1),)), Appended((Place(3, 5, 2),))],
    ),
    "a stream is continued as it is": (
        lambda: [request(to(KNOWN, 3, expected=2))],
        [Appended((Place(3, 4, 3),))],
    ),
    "a stream is continued twice from one version": (
        lambda: [request(to(KNOWN, 3, expected=2)), request(to(KNOWN, 3, expected=2))],
        [Appended((Place(3, 4, 3),)), VersionConflict((3,))],
    ),
    "a version is wrong": (
        lambda: [request(to(KNOWN, 3, expected=1))],
        [VersionConflict((2,))],
    ),
    "a key is known": (
        lambda: [HELD, replace(HELD, key=key("k", "another body"))],
        [Appended((Place(3, 2, 2),), repeated=True), KeyReused()],
    ),
    "a key comes twice": (
        lambda: [again := request(to(NEW, 3, expected=NONE), key=key("n")), again],
        [Appended((Place(3, 4, 1),)), Appended((Place(3, 4, 1),), repeated=True)],
    ),
    "a fact is known": (
        lambda: [request(beginning(3), facts="f"), request(beginning(3), identities="i")],
        [FactKnown(KNOWN, HELD_EVENT), ClaimTaken(KNOWN, HELD_EVENT)],
    ),
    "a claim comes twice in a request": (
        lambda: [request(to(NEW, 3, expected=NONE), facts="n n")],
        [Appended((Place(3, 4, 1),))],
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_doubt_changes_no_answer(desk: PostgresDesk, case: str) -> None:
    make, expected = CASES[case]
    requests = [request(beginning(3)), *make(), request(beginning(3))]
    async with desk.keeper.acquire() as connection:
        await append_within(connection, [(TENANT, HELD)])
        outcomes = await append_within(connection, [(TENANT, each) for each in requests])
        rows = await connection.fetch("SELECT position, stream, version FROM events WHERE partition = 3 ORDER BY 1")

    written = sum(isinstance(outcome, Appended) and not outcome.repeated for outcome in expected)
    assert outcomes == [Appended((Place(3, 3, 1),)), *expected, Appended((Place(3, 4 + written, 1),))]
    assert [row["position"] for row in rows] == list(range(1, 5 + written))


async def test_many_streams_of_named_versions_are_continued_in_one_group(desk: PostgresDesk) -> None:
    begun = [new_stream(3) for _ in range(12)]
    async with desk.keeper.acquire() as connection:
        await append_within(connection, [(TENANT, request(to(stream, 3, expected=NONE))) for stream in begun])
        outcomes = await append_within(
            connection, [(TENANT, request(to(stream, 3, expected=1), beginning(3))) for stream in begun]
        )

    assert outcomes == [Appended((Place(3, 13 + 2 * n, 2), Place(3, 14 + 2 * n, 1))) for n in range(12)]


async def test_an_event_that_is_there_already_is_a_fault(desk: PostgresDesk) -> None:
    twice = to(new_stream(3), 3, expected=NONE)
    async with desk.keeper.acquire() as connection:
        await append_within(connection, [(TENANT, request(twice))])
        with pytest.raises(asyncpg.UniqueViolationError):
            await append_within(connection, [(TENANT, request(replace(twice, stream=new_stream(3))))])
        outcomes = await append_within(connection, [(TENANT, request(beginning(3)))])

    assert outcomes == [Appended((Place(3, 2, 1),))]
