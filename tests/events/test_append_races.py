"""Several processes' worth of connections after the same keys, claims and streams at one moment."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import asyncpg
import pytest

from rapport_events.database import Connection
from rapport_events.ledger import NONE, Append, Appended, ClaimTaken, FactKnown, Outcome, VersionConflict
from rapport_events.postgres_ledger import append_within
from tests.events.appends import TENANT, beginning, key, new_stream, request, to
from tests.events.postgres_desk import PostgresDesk

RIVALS = 6
ROUNDS = 40
Rivals = Sequence[Connection]


@pytest.fixture
async def rivals(desk: PostgresDesk) -> AsyncIterator[Rivals]:
    connections = [await asyncpg.connect(desk.database.app) for _ in range(RIVALS)]
    yield connections
    for connection in connections:
        await connection.close()


async def _race(rivals: Rivals, ask: Callable[[int], list[Append]]) -> list[list[Outcome]]:
    """Let each rival append its group, all at once; deadlocks and lost locks would be raised."""
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(append_within(rival, [(TENANT, appended) for appended in ask(number)]))
            for number, rival in enumerate(rivals)
        ]
    return [task.result() for task in running]


async def test_one_of_several_rivals_gets_a_key_and_all_hear_its_answer(rivals: Rivals) -> None:
    for turn in range(ROUNDS):

        def ask(number: int, turn: int = turn) -> list[Append]:
            return [request(beginning((turn + number * 5) % 32), key=key(f"k{turn}"))]

        outcomes = [outcome for [outcome] in await _race(rivals, ask)]

        answers = [outcome for outcome in outcomes if isinstance(outcome, Appended)]
        assert len(answers) == RIVALS
        assert len({outcome.places for outcome in answers}) == 1
        assert sorted(outcome.repeated for outcome in answers) == [False, *[True] * (RIVALS - 1)]


async def test_one_of_several_rivals_gets_a_claim_and_all_hear_who(rivals: Rivals) -> None:
    for turn in range(ROUNDS):

        def ask(number: int, turn: int = turn) -> list[Append]:
            return [request(beginning((turn + number * 5) % 32), facts=f"f{turn}", key=key(f"{turn}/{number}"))]

        outcomes = [outcome for [outcome] in await _race(rivals, ask)]

        assert [type(outcome) for outcome in outcomes].count(Appended) == 1
        known = {(outcome.stream, outcome.event_id) for outcome in outcomes if isinstance(outcome, FactKnown)}
        assert len(known) == 1


async def test_keys_and_claims_in_opposite_orders_never_deadlock_and_spare_their_neighbours(rivals: Rivals) -> None:
    for turn in range(ROUNDS):

        def ask(number: int, turn: int = turn) -> list[Append]:
            partition = (turn + number * 5) % 32
            contested = [
                request(
                    beginning(partition),
                    key=key(f"{turn}/{(number + n) % 3}"),
                    facts=f"f{turn}/{(2 * number + n) % 3}",
                    identities=f"i{turn}/{(number * n) % 3}",
                )
                for n in range(3)
            ]
            return [*contested, request(beginning(partition))]

        outcomes = await _race(rivals, ask)

        assert all(isinstance(neighbour, Appended) for *_, neighbour in outcomes)
        decided = [outcome for *contested, _ in outcomes for outcome in contested]
        assert {type(outcome) for outcome in decided} <= {Appended, FactKnown, ClaimTaken}
        assert Appended in {type(outcome) for outcome in decided}


async def test_one_of_several_rivals_gets_a_version(rivals: Rivals) -> None:
    for turn in range(ROUNDS):
        streams = [new_stream(turn % 32), new_stream((turn + 1) % 32)]

        def ask(number: int, turn: int = turn, streams: list[str] = streams) -> list[Append]:
            both = [to(streams[0], turn % 32, expected=NONE), to(streams[1], (turn + 1) % 32, expected=NONE)]
            return [request(*(both if number % 2 else reversed(both)))]

        outcomes = [outcome for [outcome] in await _race(rivals, ask)]

        assert [type(outcome) for outcome in outcomes].count(Appended) == 1
        assert outcomes.count(VersionConflict((1, 1))) == RIVALS - 1
