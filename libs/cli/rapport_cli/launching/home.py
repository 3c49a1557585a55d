"""The data folder: all that a suite started here keeps, closed to everybody else."""

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, cast

PORT_BASE: Final = 7700
_SUITE: Final = "suite.json"


class HomeRefused(Exception):
    """The folder is none of ours, or something in it is missing that cannot be made anew."""


class AlreadyUp(Exception):
    """A launcher works in this folder."""


@dataclass(frozen=True, slots=True)
class Suite:
    """What a start must know again at the next one."""

    port_base: int = PORT_BASE
    kafka: str | None = None
    """host:port of a broker that is not ours; None: the embedded one."""
    postgres: str | None = None
    """Address of a server that is not ours, without a password; None: the embedded one."""


class Home:
    """A data folder. `suite.json` comes last when it is made: where it is, everything else must be there too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.logs = self.folder / "logs"
        self.secrets = self.folder / "secrets"
        self.run = self.folder / "run.json"
        self._lock = self.folder / "lock"

    @property
    def is_made(self) -> bool:
        """Whether a suite was set up here."""
        return (self.folder / _SUITE).exists()

    @property
    def suite(self) -> Suite:
        """
        What was remembered at the last start.

        Raises:
            HomeRefused: There is nothing, or nothing that can be read.
        """
        match _read(self.folder / _SUITE):
            case {"port_base": int(base), "kafka": str() | None as kafka, "postgres": str() | None as postgres}:
                return Suite(base, kafka, postgres)
            case None:
                raise HomeRefused(f"no suite was set up in {self.folder}; `rapport up` does that")
            case _:
                raise HomeRefused(f"{self.folder / _SUITE} was not written by this version")

    def make(self) -> None:
        """
        Make the folder, or refuse one that holds something else.

        Raises:
            HomeRefused: It is not ours.
        """
        if self.folder.exists() and not self.is_made and not self.secrets.is_dir() and not _is_empty(self.folder):
            raise HomeRefused(f"{self.folder} holds something else; name another folder with --data")
        for folder in (self.folder, self.logs, self.secrets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)

    def remember(self, suite: Suite) -> None:
        """Write down how this suite is started."""
        write_closed(self.folder / _SUITE, json.dumps(asdict(suite), indent=2) + "\n")

    @property
    def is_locked(self) -> bool:
        """Whether a launcher works here at this moment."""
        if not self._lock.exists():
            return False
        try:
            with self.lock():
                return False
        except AlreadyUp:
            return True

    @contextmanager
    def lock(self) -> Generator[None]:
        """
        Be the one launcher of this folder; the system takes the lock back from whoever dies.

        Raises:
            AlreadyUp: Another one has it.
        """
        with self._lock.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise AlreadyUp(f"a launcher works in {self.folder}") from error
            yield


def write_closed(path: Path, text: str) -> None:
    """Write a text that only its owner may read; nobody ever sees half of it."""
    write_closed_bytes(path, text.encode())


def write_closed_bytes(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read; nobody ever sees half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read(path: Path) -> object:
    try:
        return cast("object", json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except ValueError:
        return ""


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and next(folder.iterdir(), None) is None
