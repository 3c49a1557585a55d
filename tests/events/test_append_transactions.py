"""What append promises to the transactions around it, and what it asks of them."""

import asyncio

import asyncpg
import pytest
from msgspec.structs import replace

from rapport_events.ledger import Append, Appended, FactKnown, LedgerShut, Outcome, Place, VersionConflict
from rapport_events.postgres_ledger import append_within
from tests.events.appends import OTHER_TENANT, TENANT, beginning, key, new_stream, request, to
from tests.events.ledger_contract import one
from tests.events.postgres_desk import PostgresDesk
from tests.waiting import until


async def test_a_group_holds_many_tenants(desk: PostgresDesk) -> None:
    async with desk.keeper.acquire() as connection, connection.transaction():
        await connection.execute("SELECT count(*) FROM events WHERE partition = 3")
        outcomes = await append_within(
            connection,
            [
                (TENANT, request(beginning(3), key=key("k"))),
                (OTHER_TENANT, request(beginning(3, tenant=OTHER_TENANT), key=key("k"))),
                (TENANT, request(beginning(4))),
            ],
        )

    assert outcomes == [Appended((Place(3, 1, 1),)), Appended((Place(3, 2, 1),)), Appended((Place(4, 1, 1),))]
    assert [event.tenant for event in await desk.ledger.read_partition(3, after=0, limit=9)] == [TENANT, OTHER_TENANT]


@pytest.mark.parametrize("isolation", ["repeatable_read", "serializable"])
async def test_append_is_refused_where_it_could_not_see_the_last_commit(desk: PostgresDesk, isolation: str) -> None:
    async with desk.keeper.acquire() as connection:
        with pytest.raises(asyncpg.InvalidTransactionStateError, match="READ COMMITTED"):
            async with connection.transaction(isolation=isolation):  # type: ignore[arg-type]  # the stub wants literals
                await append_within(connection, [(TENANT, request(beginning()))])

    assert sum((await desk.ledger.state()).heads) == 0


async def test_append_is_refused_twice_in_a_transaction(desk: PostgresDesk) -> None:
    async with desk.keeper.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await append_within(connection, [(TENANT, request(beginning()))])
        with pytest.raises(asyncpg.InvalidTransactionStateError, match="called before"):
            await append_within(connection, [(TENANT, request(beginning()))])
        await transaction.rollback()
        await append_within(connection, [(TENANT, request(beginning()))])
        async with connection.transaction():
            await append_within(connection, [(TENANT, request(beginning()))])

    assert sum((await desk.ledger.state()).heads) == 2


async def test_a_rollback_leaves_nothing(desk: PostgresDesk) -> None:
    stream = new_stream()
    appended = request(to(stream), key=key("k"), facts="f", identities="i")
    async with desk.keeper.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await append_within(connection, [(TENANT, appended)])
        await transaction.rollback()

    assert await desk.ledger.read_streams(TENANT, [stream]) == {stream: []}
    assert await one(desk.ledger, appended) == Appended((Place(0, 1, 1),))


async def test_an_event_id_used_twice_fails_only_its_own_request(desk: PostgresDesk) -> None:
    first = beginning(2)
    await one(desk.ledger, request(first))
    same_event = request(replace(beginning(2), events=first.events))

    answers = await _at_once(desk, request(beginning(2)), same_event, request(beginning(2)))

    assert [type(answer) for answer in answers] == [list, asyncpg.UniqueViolationError, list]
    assert (await desk.ledger.state()).heads[2] == 3


async def test_a_value_that_the_database_cannot_hold_fails_only_its_own_request(desk: PostgresDesk) -> None:
    stream = beginning(2)
    broken = request(replace(stream, events=(replace(stream.events[0], data=b'{"half'),)))

    answers = await _at_once(desk, request(beginning(2)), broken, request(beginning(2)))

    assert [type(answer) for answer in answers] == [list, asyncpg.InvalidTextRepresentationError, list]


async def test_whoever_waits_for_a_partition_sees_what_the_holder_committed(desk: PostgresDesk) -> None:
    stream = new_stream(5)
    async with desk.keeper.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await append_within(connection, [(TENANT, request(to(stream, 5, expected=0)))])
        async with asyncio.TaskGroup() as tasks:
            rival = tasks.create_task(one(desk.ledger, request(to(stream, 5, expected=0))))
            await until(lambda: _waits(desk, 1), seconds=5, what="the rival waits for the partition")
            await transaction.commit()

    assert rival.result() == VersionConflict((1,))


async def test_a_key_of_a_rival_on_another_partition_is_waited_for(desk: PostgresDesk) -> None:
    async with desk.keeper.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await append_within(connection, [(TENANT, request(beginning(5), key=key("k"), facts="f"))])
        async with asyncio.TaskGroup() as tasks:
            rivals = tasks.create_task(
                desk.ledger.append(
                    TENANT,
                    [request(beginning(6), key=key("k")), request(beginning(6), facts="f"), request(beginning(6))],
                )
            )
            await until(lambda: _waits(desk, 1), seconds=5, what="the rivals wait for the key")
            await transaction.commit()

    repeated, known, neighbour = rivals.result()
    assert repeated == Appended((Place(5, 1, 1),), repeated=True)
    assert isinstance(known, FactKnown)
    assert neighbour == Appended((Place(6, 1, 1),))


async def test_a_key_of_a_rival_that_gives_up_is_free(desk: PostgresDesk) -> None:
    async with desk.keeper.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await append_within(connection, [(TENANT, request(beginning(5), key=key("k"), facts="f"))])
        async with asyncio.TaskGroup() as tasks:
            rival = tasks.create_task(one(desk.ledger, request(beginning(6), key=key("k"), facts="f")))
            await until(lambda: _waits(desk, 1), seconds=5, what="the rival waits for the key")
            await transaction.rollback()

    assert rival.result() == Appended((Place(6, 1, 1),))


async def test_shutting_waits_for_appends_under_way_and_stops_those_that_follow(desk: PostgresDesk) -> None:
    async with desk.keeper.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await append_within(connection, [(TENANT, request(beginning(5)))])
        async with asyncio.TaskGroup() as tasks:
            shutting = tasks.create_task(desk.shut())
            await until(lambda: _waits(desk, 1), seconds=5, what="shutting waits for the append")
            later = tasks.create_task(asyncio.wait_for(_refused(desk), 10))
            await until(lambda: _waits(desk, 2), seconds=5, what="the later append waits behind it")
            assert not shutting.done()
            await transaction.commit()

    assert later.result()
    assert sum((await desk.ledger.state()).heads) == 1


async def _at_once(desk: PostgresDesk, *appends: Append) -> list[list[Outcome] | BaseException]:
    return await asyncio.gather(
        *(desk.ledger.append(TENANT, [appended]) for appended in appends), return_exceptions=True
    )


async def _refused(desk: PostgresDesk) -> bool:
    """Append to the first partition, which whoever shuts the ledger has locked already."""
    try:
        await one(desk.ledger, request(beginning(0)))
    except LedgerShut:
        return True
    return False


async def _waits(desk: PostgresDesk, count: int) -> bool:
    admin = await asyncpg.connect(desk.database.admin)
    try:
        waiting = await admin.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
    finally:
        await admin.close()
    return int(waiting) == count
