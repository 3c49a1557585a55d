"""Two processes of one service, and clients of both."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import httpx

from tests.chassis.houses import House, free_port
from tests.chassis.test_run import START_SECONDS, takes_commands
from tests.chassis.tokens import sign
from tests.waiting import until


@dataclass
class Doors:
    """Two processes of one service."""

    house: House
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient]

    async def events(self) -> int:
        connection = await asyncpg.connect(self.house.database.admin)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM events"))
        finally:
            await connection.close()


@asynccontextmanager
async def two_doors(house: House, program: Sequence[str], *, connections: int) -> AsyncGenerator[Doors]:
    """Start two processes that answer HTTP."""
    second = free_port()
    async with AsyncExitStack() as stack:
        await house.start("http,mirror", program=program)
        await house.start("http", program=program, RAPPORT_INTERACTIONS_PORT=str(second))
        await until(lambda: takes_commands(house), seconds=START_SECONDS, what="the ledger takes commands")
        headers = {"Authorization": f"Bearer {sign(house.key)}"}
        addresses = [f"http://127.0.0.1:{port}" for port in (house.port, second)]
        limits = httpx.Limits(max_connections=connections)
        one, other = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=address, headers=headers, timeout=30, limits=limits)
            )
            for address in addresses
        ]

        async def is_open() -> bool:
            try:
                return (await other.get("/v1/ledger")).status_code == 200
            except httpx.TransportError:
                return False

        await until(is_open, seconds=START_SECONDS, what="the second process answers")
        yield Doors(house, (one, other))
