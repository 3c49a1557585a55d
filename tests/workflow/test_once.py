"""A real process of the role `effects` is killed again and again: one decision, one mail."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from rapport_cli.embedded.child import Child, spawn
from rapport_events.contracts.workflow import EffectFailed, EffectPerformed, RunCompleted
from rapport_events.database import open_pool
from rapport_events.effects import Effects
from rapport_events.postgres_keyring import PostgresKeyring
from rapport_events.reader import ViewReader
from rapport_events.testing import arrived
from tests.databases import KeyringDatabase, ServiceDatabase
from tests.waiting import until
from tests.workflow.gate import decide_mail, know_ann
from tests.workflow.halting import BEFORE_YES, open_halting
from tests.workflow.world import World

MASTER_KEY = bytes(range(32))
SECONDS = 60


@pytest.fixture
async def sealed_world(world: World, keyring_database: KeyringDatabase) -> AsyncGenerator[World]:
    """Let workflow live with a keyring that other processes can reach."""
    async with await open_pool(keyring_database.app, name="tests.keyring") as pool:
        world.keyring = PostgresKeyring(pool, MASTER_KEY)
        await know_ann(world)
        await decide_mail(world)
        yield world


@pytest.fixture
def environment(workflow: ServiceDatabase, keyring_database: KeyringDatabase) -> Mapping[str, str]:
    """Say what the process is told, besides where its mail goes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAPPORT_", "PG"))}
    return kept | {
        "RAPPORT_WORKFLOW_APP": workflow.app,
        "RAPPORT_WORKFLOW_KEEPER": workflow.keeper,
        "RAPPORT_KEYRING": keyring_database.app,
        "RAPPORT_MASTER_KEY": MASTER_KEY.hex(),
        "RAPPORT_SMTP_HOST": "127.0.0.1",
        "RAPPORT_SMTP_SECURITY": "none",
    }


@asynccontextmanager
async def effects(environment: Mapping[str, str], port: int, log: Path) -> AsyncGenerator[Child]:
    """Start the role; it is killed at the end, if it still runs."""
    child = await spawn(
        "effects",
        [sys.executable, "-m", "rapport_chassis.run", "workflow", "--roles", "effects"],
        log=log,
        dies_by=signal.SIGKILL,
        environment={**environment, "RAPPORT_SMTP_PORT": str(port)},
    )
    try:
        yield child
    finally:
        await child.kill()


async def reach(event: asyncio.Event, what: str) -> None:
    await until(event.is_set, seconds=SECONDS, what=what)
    event.clear()


async def end_leases(world: World) -> None:
    """Let the time pass for which a dead process is waited for."""
    await world.keeper.execute("UPDATE leases SET until = clock_timestamp()")


async def hang_up(workflow: ServiceDatabase) -> None:
    """End the connections of the role."""
    connection = await asyncpg.connect(workflow.admin)
    named = "FROM pg_stat_activity WHERE application_name = 'workflow.effects' AND datname = current_database()"
    await connection.execute(f"SELECT pg_terminate_backend(pid) {named}")
    gone = f"SELECT count(*) = 0 {named}"
    await until(lambda: connection.fetchval(gone), seconds=SECONDS, what="no connection is left")
    await connection.close()


async def receipts(world: World) -> int:
    return len([event for event in await world.told() if isinstance(event, EffectPerformed | EffectFailed)])


async def test_five_kills_before_the_providers_yes_and_one_mail(
    sealed_world: World, environment: Mapping[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "effects.log"
    async with open_halting() as (halting, port):
        for moment in BEFORE_YES:
            halting.moment = moment
            async with effects(environment, port, log):
                await reach(halting.reached, f"a delivery comes to {moment}")
            assert not halting.catcher.mails
            await end_leases(sealed_world)
        halting.moment = None
        async with effects(environment, port, log):
            await until(lambda: len(halting.catcher.mails) > 0, seconds=SECONDS, what="the mail is there")
            await until(lambda: _has_receipt(sealed_world), seconds=SECONDS, what="and its receipt")
        await end_leases(sealed_world)
        await sealed_world.settle()

        assert len(halting.catcher.mails) == 1
    assert RunCompleted in [type(event) for event in await sealed_world.told()]


async def test_a_kill_after_the_providers_yes_repeats_the_same_id_and_a_replay_nothing(
    sealed_world: World, workflow: ServiceDatabase, environment: Mapping[str, str], tmp_path: Path
) -> None:
    world, log = sealed_world, tmp_path / "effects.log"
    async with open_halting() as (halting, port):
        async with world.keeper.acquire() as connection, connection.transaction():
            # Whoever writes a receipt must wait for us.
            await connection.execute("SELECT pg_advisory_xact_lock(7101, number) FROM generate_series(0, 31) AS number")
            async with effects(environment, port, log):
                await until(lambda: len(halting.catcher.mails) == 1, seconds=SECONDS, what="the mail is there")
            # A server process that waits for a lock does not see that its client is dead, and would still commit.
            await hang_up(workflow)
        assert await receipts(world) == 0
        await end_leases(world)
        async with effects(environment, port, log):
            await until(lambda: _has_receipt(world), seconds=SECONDS, what="the receipt is there")
        assert len({mail.message_id for mail in halting.catcher.mails}) == 1
        assert len(halting.catcher.mails) == 2

        # The view is folded again up to just before the receipt, and nobody remembers any lease.
        await world.keeper.execute("DELETE FROM leases")
        await world.keeper.execute("UPDATE checkpoints SET position = 0 WHERE reader = 'effects_v1_r1'")
        reader = ViewReader(Effects(), world.keeper)
        await reader.begin({"workflow": 1})
        (receipt,) = [fact for fact in await world.own() if fact.type == "crm.effect.performed.v1"]
        await reader.take([arrived(fact) for fact in await world.own() if fact.position < receipt.position])
        assert await world.keeper.fetchval("SELECT count(*) FROM effects_v1") == 1
        async with effects(environment, port, log):
            await until(lambda: _is_taken(world), seconds=SECONDS, what="the gate has looked at it")
            await until(lambda: _is_quiet(world), seconds=SECONDS, what="and has done with it")
        assert len(halting.catcher.mails) == 2
    assert await receipts(world) == 1


async def _has_receipt(world: World) -> bool:
    return await receipts(world) == 1


async def _is_taken(world: World) -> bool:
    return bool(await world.keeper.fetchval("SELECT count(*) FROM leases"))


async def _is_quiet(world: World) -> bool:
    """Say whether the effect could be taken again, and the gate has taken it a second time: the first one is over."""
    await end_leases(world)
    return bool(await world.keeper.fetchval("SELECT bool_or(attempts > 1) FROM leases"))
