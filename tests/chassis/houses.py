"""A shop with databases, broker and keys, run as real processes."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from joserfc.jwk import ECKey

from tests.chassis.tokens import ISSUER, make_key, sign
from tests.databases import KeyringDatabase, ServiceDatabase
from tests.events.sums import TABLES

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 20


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass
class House:
    folder: Path
    database: ServiceDatabase
    environment: dict[str, str]
    key: ECKey
    port: int
    running: list[asyncio.subprocess.Process] = field(default_factory=list[asyncio.subprocess.Process])

    @classmethod
    async def build(
        cls, folder: Path, database: ServiceDatabase, keyring: KeyringDatabase, kafka: str, prefix: str
    ) -> "House":
        key, port = make_key(), free_port()
        (folder / "jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}), encoding="utf-8")
        (folder / "master").write_text("00112233445566778899aabbccddeeff" * 2, encoding="utf-8")
        environment = {
            "PATH": os.environ["PATH"],
            "RAPPORT_KAFKA": kafka,
            "RAPPORT_TOPIC_PREFIX": prefix,
            "RAPPORT_CONSUMER_GROUPS": "false",
            "RAPPORT_KEYRING": keyring.app,
            "RAPPORT_MASTER_KEY_FILE": str(folder / "master"),
            "RAPPORT_ISSUER": ISSUER,
            "RAPPORT_JWKS_FILE": str(folder / "jwks.json"),
            "RAPPORT_INTERACTIONS_APP": database.app,
            "RAPPORT_INTERACTIONS_KEEPER": database.keeper,
            "RAPPORT_INTERACTIONS_PORT": str(port),
            "RAPPORT_INTERACTIONS_URL": f"http://127.0.0.1:{port}",
        }
        connection = await asyncpg.connect(database.keeper)
        await connection.execute(TABLES)
        await connection.close()
        return cls(folder, database, environment, key, port)

    async def start(
        self, roles: str, *, program: Sequence[str] = ("tests.chassis.shop_main",), **changes: str
    ) -> asyncio.subprocess.Process:
        log = (self.folder / f"{roles}-{len(self.running)}.log").open("wb")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *program, "interactions", "--roles", roles),
            cwd=ROOT,
            env={**self.environment, **changes},
            stdout=log,
            stderr=log,
        )
        log.close()
        self.running.append(process)
        return process

    async def stop(self, process: asyncio.subprocess.Process) -> int:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            return await process.wait()

    async def end(self) -> None:
        for process in self.running:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def client(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {sign(self.key)}"}
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=10)

    async def ready(self) -> dict[str, Any]:
        async with self.client() as client:
            try:
                return dict((await client.get("/ready")).json())
            except httpx.TransportError:
                return {"status": "unreachable", "parts": {}}

    async def is_ready(self) -> bool:
        return bool((await self.ready())["status"] == "ready")

    @property
    def logs(self) -> str:
        return "\n".join(file.read_text(encoding="utf-8") for file in self.folder.glob("*.log"))
