"""The processes of a world: each is put together as `rapport_chassis.roles` does it, with other ways to the outside."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from rapport_events import subscribing, ways
from rapport_events.consuming import Consuming
from rapport_events.database import Pool as RealPool
from rapport_events.faults import is_away
from rapport_events.filling import Filler
from rapport_events.following import Following
from rapport_events.keeping import Keeping, Tools
from rapport_events.leadership import leading
from rapport_events.ledger import LedgerState
from rapport_events.mirror import Mirror, MirrorSettings
from rapport_events.parking import BEHIND
from rapport_events.reader import ViewReader
from rapport_events.rebuild import begin_rebuild, read_rebuilds, switch
from rapport_events.scanner import Consumed
from rapport_events.statements import load
from rapport_events.subscribing import ConsumingSettings
from tests.simulation.broker import Broker, Client
from tests.simulation.callers import CUSTOMERS, data_of
from tests.simulation.consumer import consumed, declaring, read_again
from tests.simulation.database import Database, Pool
from tests.simulation.ledger_server import LedgerServer
from tests.simulation.nature import Nature, Process
from tests.simulation.taken import Taken

if TYPE_CHECKING:
    from tests.simulation.world import World

SERVICE: Final = "interactions"
_MIRROR: Final = MirrorSettings(
    service=SERVICE,
    keeper="",
    bootstrap="",
    audit_seconds=3.0,
    poll_seconds=1.0,
    glance_seconds=2.0,
    lead_seconds=2.0,
    away_seconds=5.0,
    stopped_seconds=2.0,
    resend_seconds=2.0,
)
_LOOK_SECONDS: Final = 3.0
_WORK_SECONDS_MAX: Final = 60


class Surroundings(Protocol):
    """What a mirror and readers need of a world."""

    nature: Nature
    broker: Broker
    ledger: LedgerServer
    models: Database


def mirror_of(world: Surroundings, process: Process) -> Mirror:
    """Make the mirror of a process."""
    client = Client(world.broker, process)

    async def connect(*_: object, **__: object) -> Any:  # noqa: ANN401  # a stand-in for a connection
        await process.takes()
        return world.ledger.database.connect(process)

    async def open_pool(*_: object, **__: object) -> RealPool:
        return cast("RealPool", Pool(world.ledger.database, process))

    own = ways.Ways(
        leading=partial(leading, connect=connect),
        open_pool=open_pool,
        find_eras=client.find_eras,
        apply_topics=client.apply_topics,
        producing=client.producing,
        scanning=client.scanning,
    )
    return Mirror(replace(_MIRROR, service=world.ledger.service), own)


def _heads(world: Surroundings, process: Process) -> Callable[[str], Awaitable[LedgerState | None]]:
    async def heads(_: str) -> LedgerState | None:
        await process.takes()
        return world.ledger.state() if world.ledger.database.is_up else None

    return heads


def consuming_of(world: Surroundings, process: Process, readers: Sequence[ViewReader], group: str | None) -> Consuming:
    client = Client(world.broker, process)
    settings = ConsumingSettings(
        bootstrap="", group=group, look_every_seconds=2.0, still_seconds=3.0, commit_every_seconds=4.0
    )

    async def resend(_: str, partition: int, after: int) -> None:
        await process.takes()
        if world.ledger.database.is_up:
            world.ledger.notify("rapport_resend", f"{partition}:{after}")

    def scan(topic: str, partition: int) -> AsyncIterator[Sequence[Consumed]]:
        return read_again(client, topic, [partition], {}, partial(consumed, topic))

    return Consuming(
        readers,
        cast("RealPool", Pool(world.models, process)),
        settings,
        heads=_heads(world, process),
        scan=scan,
        resend=resend,
        ways=subscribing.Ways(declare=declaring(world.broker, process), apply_topics=client.apply_topics),
    )


async def again(world: Surroundings, process: Process, work: Callable[[], Awaitable[None]]) -> None:
    """Start a role again that failed, as whoever runs it does."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  # whatever it is, it must come right in the end
            world.nature.note(process.name, "failed", type(error).__name__)
        await process.looks()
        await asyncio.sleep(1)


async def read(world: "World", process: Process, view: Taken, group: str | None) -> None:
    """Keep one read model current."""
    pool = cast("RealPool", Pool(world.models, process))
    await again(world, process, lambda: consuming_of(world, process, [ViewReader(view, pool)], group).run())


async def keep(world: "World", process: Process) -> None:
    """Keep all rebuilds of the read model current, and follow the ledger into its eras."""
    views = [Taken()]
    pool = cast("RealPool", Pool(world.models, process))
    heads = _heads(world, process)
    filler = Filler(service="readers", pool=pool, keyring=None, scan=partial(read_again, Client(world.broker, process)))
    following = Following(views=views, pool=pool, heads=heads, bootstrap="")

    async def work() -> None:
        keeping = Keeping(views, Tools(pool=pool, keyring=cast("Any", None), filler=filler, heads=heads))
        consuming = consuming_of(world, process, await keeping.readers(), world.group)
        async with asyncio.TaskGroup() as group:
            group.create_task(consuming.run())
            group.create_task(keeping.run(consuming))
            group.create_task(following.run(consuming, look_seconds=_LOOK_SECONDS))

    await again(world, process, work)


async def operate(world: "World", process: Process) -> None:
    """Do what only somebody who thinks can: begin an era, decide about what was parked."""
    client, pool = Client(world.broker, process), cast("RealPool", Pool(world.models, process))

    async def work() -> None:
        ledger = world.ledger
        # A backup of the same timeline, and a topic that has lost what it held: only readers can tell.
        if ledger.database.is_up and (ledger.needs_operator or world.nature.alarms):
            eras = await client.find_eras("", SERVICE, "crm")
            world.nature.alarms.clear()
            ledger.begin_era(max([ledger.era, *eras]) + 1)
            world.nature.note(process.name, "began era", ledger.era)
        for row in world.parked():
            if row["cause"] != BEHIND and row["wanted_at"] is None:
                await _decide(world, pool, row)

    await again(world, process, work)


async def _decide(world: "World", pool: RealPool, row: Any) -> None:  # noqa: ANN401  # a row
    """Repair a parked event, discard it, or just have it tried again; what was decided before holds."""
    event_id, chance = row["event_id"], world.nature.random.random()
    if event_id not in world.decided and chance < 0.8:
        world.decided[event_id] = "replace" if chance < 0.5 else "discard"
    decided = world.decided.get(event_id)
    value = data_of(CUSTOMERS[0], "1.00") if decided == "replace" else None
    statement = load("rapport_events", "parking/ask_release")
    await pool.execute(statement, row["tenant_id"], event_id, decided, value, "reason", "ann")


async def rebuild(world: "World", process: Process, *, switches_back: bool) -> None:
    """Rebuild the read model and let it take over, as `rapport view rebuild --switch` does; perhaps switch back."""
    pool = cast("RealPool", Pool(world.models, process))
    try:
        async with asyncio.timeout(_WORK_SECONDS_MAX):
            number = await begin_rebuild(pool, Taken().model)
            before = 0
            while not before:
                rows = {row.rebuild: row for row in await read_rebuilds(pool, [Taken().model])}
                if number not in rows:
                    return
                if rows[number].state == "beside":
                    before = next(row.rebuild for row in rows.values() if row.state == "live")
                await asyncio.sleep(1)
            for chosen in (number or 0, *((before,) if switches_back else ())):
                world.look()
                outcome = await switch(pool, Taken().model, chosen, tries=20)
                world.look()
                world.nature.note(process.name, chosen, outcome)
    except Exception as error:
        if not is_away(error):
            raise
