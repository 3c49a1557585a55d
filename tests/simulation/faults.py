"""The faults: each takes a world and three numbers between 0 and 1, and has ended when it returns."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from tests.simulation.callers import PARTITIONS_USED, Writer
from tests.simulation.database import Database
from tests.simulation.nature import Process
from tests.simulation.plan import FAULT_SECONDS
from tests.simulation.roles import rebuild
from tests.simulation.taken import POISON
from tests.simulation.world import World

Chances = tuple[float, float, float]


def _one(role: str, chance: float) -> str:
    return f"{role} {1 + (chance < 0.5)}"


async def kill_mirror(world: World, chances: Chances) -> None:
    await world.restart(_one("mirror", chances[0]), chances[1] * 2)


async def kill_reader(world: World, chances: Chances) -> None:
    await world.restart(_one("reader", chances[0]), chances[1] * 2)


async def stop_mirror(world: World, chances: Chances) -> None:
    """Stop a mirror past its session, and resume it: meanwhile another one may lead."""
    process = world.processes[_one("mirror", chances[0])]
    process.stop()
    if chances[2] < 0.5:
        world.ledger.database.stop()
        world.ledger.database.start()
    await asyncio.sleep(chances[1] * FAULT_SECONDS)
    process.go_on()


async def stop_reader(world: World, chances: Chances) -> None:
    process = world.processes[_one("reader", chances[0])]
    process.stop()
    await asyncio.sleep(chances[1] * FAULT_SECONDS)
    process.go_on()


async def lose_tail(world: World, chances: Chances) -> None:
    world.is_lossless = False
    for topic in sorted(world.broker.topics):
        partition = PARTITIONS_USED[int(chances[0] * len(PARTITIONS_USED))]
        world.broker.lose_tail(topic, partition, 1 + int(chances[1] * 3))


async def lose_everything(world: World, _: Chances) -> None:
    world.is_lossless = False
    world.broker.lose_everything()


async def broker_away(world: World, chances: Chances) -> None:
    world.broker.is_up = False
    await asyncio.sleep(chances[1] * FAULT_SECONDS)
    world.broker.is_up = True
    world.broker.tell()


async def slow_requests(world: World, chances: Chances) -> None:
    """Requests arrive seconds late, some after their sender has given up."""
    world.broker.delay_seconds = 4.0
    await asyncio.sleep(chances[1] * FAULT_SECONDS / 2)
    world.broker.delay_seconds = 0.0


async def lost_answers(world: World, chances: Chances) -> None:
    """Records land, and their sender hears of an error."""
    world.broker.forgets_answers = True
    await asyncio.sleep(chances[1])
    world.broker.forgets_answers = False


async def _restart(database: Database, seconds: float) -> None:
    database.stop()
    await asyncio.sleep(seconds)
    database.start()


async def restart_ledger(world: World, chances: Chances) -> None:
    await _restart(world.ledger.database, chances[1] * 2)


async def restart_models(world: World, chances: Chances) -> None:
    await _restart(world.models, chances[1] * 2)


async def restore_models(world: World, chances: Chances) -> None:
    """The readers' database is restored while their consumers are ahead."""
    while not world.models.tables["checkpoints"]:
        await asyncio.sleep(0.1)
    kept = world.models.keep()
    await asyncio.sleep(chances[0] * FAULT_SECONDS)
    world.models.stop()
    world.is_monotonic = False
    world.models.restore(kept)
    await asyncio.sleep(chances[1])
    world.models.start()


async def restore_ledger(world: World, chances: Chances) -> None:
    """
    Restore the ledger while topic and readers are ahead; numbers are used again in another era.

    A backup of the same timeline can be told from a restart by the topic alone, so that must not be lost as well.
    """
    is_lost = any(fault.kind in {"lose_tail", "lose_everything"} for fault in world.plan.faults)
    backup = world.ledger.keep()
    await asyncio.sleep(chances[0] * FAULT_SECONDS)
    world.is_lossless = False
    world.ledger.database.stop()
    world.ledger.restore(backup, keeps_timeline=chances[2] < 0.5 and not is_lost)
    there = {str(event.event_id) for event in world.ledger.memory.events}
    for operation in world.told.operations.values():
        if not there.issuperset(operation.event_ids):
            # What was acknowledged is lost with the backup's age; nobody can promise anything else.
            operation.outcome, operation.event_ids = "unknown", ()
    world.is_monotonic = False
    await asyncio.sleep(chances[1])
    world.ledger.database.start()


async def poison(world: World, chances: Chances) -> None:
    """Record a fact that cannot be folded; an operator looks after it."""
    number = 100 + int(chances[0] * 1_000_000)
    await Writer(world.ledger, world.processes["http"], world.told).write(number, total=str(POISON))


async def rebuild_model(world: World, chances: Chances) -> None:
    """Rebuild the read model beside the live one, which goes on, and switch."""
    await rebuild(world, Process(world.nature, "rebuilder"), switches_back=chances[0] < 0.5)


FAULTS: Final[dict[str, Callable[[World, Chances], Awaitable[None]]]] = {
    act.__name__: act
    for act in (
        *(kill_mirror, kill_reader, stop_mirror, stop_reader, lose_tail, lose_everything, broker_away, slow_requests),
        *(lost_answers, restart_ledger, restart_models, restore_models, restore_ledger, poison, rebuild_model),
    )
}
