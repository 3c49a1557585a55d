"""A suite that runs already: RAPPORT_TEST_SUITE names its console, RAPPORT_TEST_SUITE_HOME the folder of its keys."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from rapport_cli.launching.home import Home
from tests.system.suites import OWNERS, Suite

URL: Final = "RAPPORT_TEST_SUITE"
HOME: Final = "RAPPORT_TEST_SUITE_HOME"


def is_given() -> bool:
    """Whether tests shall look at a suite that somebody else started, for example with Docker Compose."""
    return bool(os.environ.get(URL))


class Deployed(Suite):
    """A suite that these tests neither start nor stop."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._url = os.environ[URL].rstrip("/")
        self.home = Home(Path(os.environ[HOME]))

    @property
    def urls(self) -> dict[str, str]:
        """Address of each service, all through the console."""
        return {**{name: f"{self._url}/api/{name}" for name in OWNERS}, "console": self._url}

    async def up(self) -> None:
        """It is up."""

    async def end(self) -> None:
        """It stays up."""

    async def begin_verb(self, *arguments: str, tenant: str | None = None) -> asyncio.subprocess.Process:
        """Call the command line, which finds the suite by its address."""
        more = {"RAPPORT_TOKEN": self.token(tenant)} if tenant else {}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "rapport_cli", *arguments),
            env=self._environment({"RAPPORT_URL": self._url, **more}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
