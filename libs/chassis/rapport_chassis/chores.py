"""Work that a service brings along for its role `effects`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from rapport_chassis.settings import Erasing, Keys, key_bytes, read
from rapport_events.database import Pool, open_pool
from rapport_events.keyring import Keyring
from rapport_events.ledger import Ledger
from rapport_events.postgres_keyring import PostgresKeyring
from rapport_events.postgres_ledger import PostgresLedger

CONNECTIONS: Final = 6


@dataclass(frozen=True, slots=True)
class Aid:
    """What a chore works with."""

    ledger: Ledger
    pool: Pool
    """As keeper."""
    eraser: Keyring | None
    """A keyring that may destroy, where this process was given one."""
    wait_seconds: float
    """How long after the destruction of a key an erasure may be completed."""


Chore = Callable[[Aid], Awaitable[None]]
"""Works until cancelled."""


async def do_chores(service: str, keeper: str, chores: Sequence[Chore]) -> None:
    """Do all chores of a service at once, until cancelled."""
    settings = read(Erasing)
    async with AsyncExitStack() as stack:
        pool = await open_pool(keeper, name=f"{service}.chores", connections_max=CONNECTIONS)
        stack.callback(pool.terminate)
        eraser: Keyring | None = None
        if settings.keyring_eraser is not None:
            keys = await open_pool(settings.keyring_eraser.get_secret_value(), name="rapport.eraser", connections_max=2)
            stack.callback(keys.terminate)
            eraser = PostgresKeyring(keys, key_bytes(read(Keys).master_key))
        ledger = await stack.enter_async_context(PostgresLedger(service=service, keeper=pool))
        aid = Aid(ledger, pool, eraser, settings.erasure_wait_seconds)
        async with asyncio.TaskGroup() as group:
            for chore in chores:
                group.create_task(_do(chore, aid))


async def _do(chore: Chore, aid: Aid) -> None:
    await chore(aid)
