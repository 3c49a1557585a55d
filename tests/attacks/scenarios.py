"""
What is tried with a planted bug, and in the same way without: each scenario returns the alarms that it raised.

Every alarm is one of the checks that hold for the suite anyway: the checker of histories, or how many mails were sent.
"""

import asyncio
from datetime import timedelta

import asyncpg

from rapport_chassis.auth import Caller
from rapport_chassis.desk import Store
from rapport_chassis.reading import Reading
from rapport_chassis.standing import Standing
from rapport_cli.verifying.checker import Entry, check_place
from rapport_events.database import Pool
from rapport_events.execute import Executor
from rapport_events.memory_keyring import MemoryKeyring
from rapport_events.mirror import Mirror
from rapport_events.postgres_ledger import append_within
from tests.attacks.callers import Callers, wrong
from tests.attacks.deaths import AFTER_APPEND
from tests.attacks.process import program
from tests.events.appends import OTHER_TENANT, TENANT, beginning, request
from tests.events.ledger_contract import one
from tests.events.mirroring import Place, reached, running
from tests.events.postgres_desk import PostgresDesk
from tests.waiting import until
from tests.workflow.gate import decide_mail, know_ann, open_gate
from tests.workflow.world import World

SECONDS = 30
P = 0


async def take_a_number_and_give_it_back(desk: PostgresDesk, place: Place) -> list[str]:
    """Let a transaction take the next number while another one appends behind it, and then roll back."""
    async with desk.keeper.acquire() as connection, asyncio.TaskGroup() as tasks:
        transaction = connection.transaction()
        await transaction.start()
        await append_within(connection, [(TENANT, request(beginning(P)))])
        behind = tasks.create_task(one(desk.ledger, request(beginning(P))))
        await until(lambda: _is_done_or_waits(desk, behind), seconds=SECONDS, what="the other one waits, or is through")
        await transaction.rollback()
    mirror = Mirror(place.settings)
    async with running(mirror):
        heads = (await desk.ledger.state()).heads
        await until(
            lambda: mirror.state.phase == "stopped" or (bool(mirror.state.reach) and mirror.state.reach[P] == heads[P]),
            seconds=SECONDS,
            what="the mirror has copied everything, or has stopped",
        )
    ledger = await desk.ledger.read_partition(P, after=0, limit=10)
    expected = [Entry(str(event.event_id), event.subject, event.position) for event in ledger]
    readable = {event_id for _, event_id in reached(await place.records(P))}
    return wrong([check_place(expected, [entry for entry in expected if entry.event_id in readable], "topic")])


async def _is_done_or_waits(desk: PostgresDesk, task: asyncio.Task[object]) -> bool:
    admin = await asyncpg.connect(desk.database.admin)
    try:
        waiting = await admin.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
        )
    finally:
        await admin.close()
    return task.done() or waiting == 1


async def die_between_commit_and_answer(callers: Callers, *bugs: str) -> list[str]:
    """Let a process die when its append has committed, and its caller ask another one again under the same key."""
    dying = await callers.house.start("http,mirror", program=program(AFTER_APPEND, *bugs))
    await callers.until_open()
    assert await callers.buy("order-1") is None
    assert await dying.wait() < 0
    await callers.house.start("http,mirror,readers", program=program(*bugs))
    await callers.until_open()
    assert await callers.buy("order-1") is not None
    await callers.until_shown()
    return wrong(await callers.findings())


async def let_the_gate_look_twice(world: World) -> list[str]:
    """Let the gate perform a mail, and look again when nobody remembers that it was at work."""
    await know_ann(world)
    await decide_mail(world)
    async with open_gate(world) as gate:
        for _ in range(2):
            await gate.perform()
            await world.keeper.execute("DELETE FROM leases")
            world.clock.move(timedelta(hours=1))
        sent = gate.message_ids
    return [] if len(sent) == 1 else [f"repeated: the mail {sent[0]} was sent {len(sent)} times"]


async def share_a_connection(desk: PostgresDesk) -> list[str]:
    """Let a tenant read over a connection that then serves somebody who forgot to say for whom, as poolers do."""
    for tenant in (TENANT, OTHER_TENANT):
        await desk.ledger.append(tenant, [request(beginning(number, tenant=tenant)) for number in range(4)])
    alarms: list[str] = []
    # A pooler in transaction mode hands the server's session on as it is.
    pool = await asyncpg.create_pool(desk.database.app, min_size=1, max_size=1, reset=_as_it_is)
    async with pool:
        for tenant in (TENANT, OTHER_TENANT):
            async with _reading(desk, pool, tenant).rows() as rows:
                alarms += _strangers(await rows.fetch("SELECT tenant_id FROM events"), tenant)
            alarms += _strangers(await pool.fetch("SELECT tenant_id FROM events"), "nobody")
    return alarms


def _strangers(rows: list[asyncpg.Record], tenant: str) -> list[str]:
    return [f"phantom: {row['tenant_id']}'s row was shown to {tenant}" for row in rows if row["tenant_id"] != tenant]


async def _as_it_is(_: object) -> None:
    """Leave the session as the last one used it."""


def _reading(desk: PostgresDesk, pool: Pool, tenant: str) -> Reading:
    keyring = MemoryKeyring()
    store = Store(
        ledger=desk.ledger,
        executor=Executor(desk.ledger, keyring),
        keyring=keyring,
        pool=pool,
        standing=Standing(pool, (), _no_heads),
    )
    return Reading(Caller(tenant=type(TENANT)(tenant), subject="ann", scopes=frozenset()), store)


async def _no_heads(_: str) -> None:
    return None
