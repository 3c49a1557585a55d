"""A whole suite in real processes, started and asked as people do it."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from rapport_cli.launching.home import Home
from rapport_cli.launching.keys import OPERATOR, SCOPES, sign_token
from rapport_cli.launching.ports import url_of
from rapport_cli.launching.processes import Known, read_run
from tests.waiting import until

TENANT = "acme"
_PORTS_OF_A_SUITE = 40
_VERB_SECONDS = 110


@dataclass(frozen=True, slots=True)
class Said:
    """What a verb answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - as the verb said it
        """Its answer as JSON."""
        return json.loads(self.out)


@dataclass(slots=True)
class Suite:
    """A data folder, and what runs there."""

    folder: Path
    base: int
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def home(self) -> Home:
        """The data folder as the launcher sees it."""
        return Home(self.folder)

    async def verb(self, *arguments: str) -> Said:
        """Carry out `rapport …`."""
        process = await asyncio.create_subprocess_exec(
            *command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environment(), **self.environment},
        )
        async with asyncio.timeout(_VERB_SECONDS):
            out, err = await process.communicate()
        return Said(process.returncode or 0, out.decode(), err.decode())

    async def up(self, *arguments: str) -> Said:
        """Start it in the background."""
        place = ("--data", str(self.folder), "--port-base", str(self.base))
        return await self.verb("up", "--detach", "--json", *place, *arguments)

    async def down(self) -> Said:
        """Stop it."""
        return await self.verb("down", "--data", str(self.folder))

    async def ask(self, service: str, path: str) -> httpx.Response:
        """Ask a service."""
        async with self._client(service) as client:
            return await client.get(path)

    async def wish(self, service: str, path: str, body: Mapping[str, object]) -> httpx.Response:
        """Send a command to a service."""
        async with self._client(service) as client:
            return await client.post(path, json=body)

    def processes(self) -> dict[str, Known]:
        """Return the launcher and everything that it started, by name."""
        run = read_run(self.home)
        return {"launcher": run.launcher, **run.processes} if run else {}

    async def kill(self, *names: str) -> None:
        """End processes as a power cut would; all of them where none is named."""
        known = [each for name, each in self.processes().items() if not names or name in names]
        for each in known:
            os.kill(each.pid, signal.SIGKILL)
        await until(lambda: not any(each.is_alive for each in known), seconds=10, what="killed processes are gone")

    def _client(self, service: str) -> httpx.AsyncClient:
        token = sign_token(self.home, tenant=TENANT, subject="tests", scopes=(*SCOPES, OPERATOR), seconds=600)
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=url_of(self.base, service), headers=headers, timeout=20, trust_env=False)


def command(*arguments: str) -> list[str]:
    """Return the words of `rapport …` for this environment's Python."""
    return [sys.executable, "-m", "rapport_cli", *arguments]


def environment() -> dict[str, str]:
    """Return our environment without settings of somebody else's suite."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}


def free_base() -> int:
    """Return a base whose ports are all free at this moment."""
    dice = random.Random()  # noqa: S311 - a guess, not a secret
    while True:
        base = dice.randrange(20_000, 32_000)
        if all(_is_free(port) for port in range(base, base + _PORTS_OF_A_SUITE)):
            return base


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False
