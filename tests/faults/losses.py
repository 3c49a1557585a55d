"""What is gone: a topic with all that it held, and everything that a ledger has learned since its last backup."""

import asyncio
import shutil
from dataclasses import dataclass, field
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient

from rapport_cli.launching.databases import era_of
from rapport_events.envelope import topic_of
from tests.faults.house import House
from tests.faults.scene import Scene
from tests.system.two_servers import MOVED
from tests.waiting import until

_SECONDS: Final = 120
_MORE_SECONDS: Final = 3.0
"""How long facts are recorded after the backup, which are then lost."""


@dataclass(frozen=True, slots=True)
class EmptyTopic:
    """Delete a topic under the feet of everybody."""

    service: str

    kind: str = field(default="empty a topic", init=False)
    victims: tuple[str, ...] = field(default=(), init=False)

    def __str__(self) -> str:
        return f"empty the topic of {self.service}"

    async def inject(self, scene: Scene) -> None:
        house = scene.house
        topic = topic_of(self.service, await era_of(house.dsn(self.service)))
        admin = AIOKafkaAdminClient(bootstrap_servers=house.kafka)
        await admin.start()
        try:
            await admin.delete_topics([topic])
        finally:
            await admin.close()

    async def undo(self, scene: Scene) -> None:
        pass


@dataclass(frozen=True, slots=True)
class RestoreLedger:
    """Set the database of a service back to a backup, and take back from the topic what that one does not know."""

    kind: str = field(default="restore a ledger", init=False)
    victims: tuple[str, ...] = field(default=(), init=False)

    def __str__(self) -> str:
        return f"restore the ledger of {MOVED}"

    async def inject(self, scene: Scene) -> None:
        house = scene.house
        backup = await house.copy_base()
        await asyncio.sleep(_MORE_SECONDS)
        # What was never mirrored is lost with a disk; that is no fault of what comes afterwards.
        async with scene.part(f"{MOVED}-http").down():
            await until(lambda: _is_mirrored(house), seconds=_SECONDS, what="the topic holds all of the ledger")
            async with scene.part(f"postgres-{MOVED}").down():
                await house.put_back(backup)
                await asyncio.to_thread(shutil.rmtree, backup)

    async def undo(self, scene: Scene) -> None:
        house = scene.house
        await until(lambda: _is_stuck(house), seconds=_SECONDS, what="the ledger says that it must be looked at")
        said = await house.verb("ledger", "new-era", "--take-back", MOVED)
        if said.code:
            scene.findings.append(f"new-era said {said.code}: {said.error[-500:]}")


async def _is_mirrored(house: House) -> bool:
    connection = await house.connect(MOVED)
    try:
        row = await connection.fetchrow(
            "SELECT s.heads, m.reach FROM ledger_state() AS s JOIN mirror_reach AS m ON m.era = s.era"
        )
    finally:
        await connection.close()
    return row is not None and bool(row["heads"] == row["reach"])


async def _is_stuck(house: House) -> bool:
    said = await house.verb("ledger", "status", MOVED)
    return said.code == 1 and "new-era" in said.out
