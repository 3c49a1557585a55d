"""From what somebody asks for to a running suite: see that it can be done, start it, and say why it could not."""

import asyncio
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

import asyncpg
from aiokafka.errors import KafkaError

from rapport_cli import exits
from rapport_cli.embedded.child import ServerFailed
from rapport_cli.embedded.orphan import end_orphan
from rapport_cli.embedded.postgres import AlreadyRunning
from rapport_cli.launching.environment import catches_mail
from rapport_cli.launching.home import AlreadyUp, Home, HomeRefused, Suite
from rapport_cli.launching.installed import Installed, NotInstalled, find_installed
from rapport_cli.launching.keys import make_keys
from rapport_cli.launching.launch import Launch
from rapport_cli.launching.parts import plan_processes
from rapport_cli.launching.ports import BASE_MAX, BASE_MIN, BROKER, MAIL, OFFSETS, POSTGRES, PortTaken, refuse_taken
from rapport_cli.launching.processes import end_leftovers
from rapport_cli.launching.screen import Screen
from rapport_events.kafka import WrongPartitions
from rapport_events.migrate import MigrationInvalid

EMBEDDED: Final = "embedded"


class OrderRefused(Exception):
    """What was asked for cannot be done."""


_REFUSALS: Final = (AlreadyRunning, AlreadyUp, HomeRefused, NotInstalled, OrderRefused, PortTaken)
_FAULTS: Final = (
    *(ServerFailed, MigrationInvalid, WrongPartitions, KafkaError, OSError),
    *(asyncpg.PostgresError, asyncpg.InterfaceError),
)


@dataclass(frozen=True, slots=True)
class Order:
    """How a suite shall be started; None: as the last time."""

    folder: str
    services: tuple[str, ...] = ()
    is_split: bool = False
    port_base: int | None = None
    kafka: str | None = None
    postgres: str | None = None

    @classmethod
    def from_json(cls, text: str) -> "Order":
        """Read what `to_json` wrote."""
        members = json.loads(text)
        members["services"] = tuple(members["services"])
        return cls(**members)

    def to_json(self) -> str:
        """Write it down for a process of its own."""
        return json.dumps(asdict(self))


def carry_out(order: Order, screen: Screen, on_up: Callable[[], None]) -> int:
    """
    Run a suite until it is told to stop, and return the exit code.

    Args:
        on_up: Is called as soon as everything is ready.
    """
    is_up = False

    def tell() -> None:
        nonlocal is_up
        is_up = True
        on_up()

    try:
        services = find_installed(order.services)
        home = Home(Path(order.folder))
        home.make()
        with home.lock():
            suite = _settle(home, order)
            make_keys(home)
            # asyncpg asks for folders that a bare machine does not have.
            warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR", UserWarning)
            asyncio.run(_launch(home, suite, services, screen, is_split=order.is_split, on_up=tell))
    except _REFUSALS as error:
        screen.note(str(error))
        return exits.MISUSED
    except KeyboardInterrupt:
        return exits.STOPPED
    except Exception as error:
        faults = [fault for fault in _leaves(error) if isinstance(fault, (*_FAULTS, *_REFUSALS))]
        if not faults:
            raise
        screen.note("\n".join(str(fault) or type(fault).__name__ for fault in faults))
        return exits.LEFT_OVER
    return exits.DONE if is_up else exits.STOPPED


async def _launch(
    home: Home,
    suite: Suite,
    services: Sequence[Installed],
    screen: Screen,
    *,
    is_split: bool,
    on_up: Callable[[], None],
) -> None:
    left = await end_leftovers(home)
    await end_orphan(home.folder / "postgres" / "cluster")
    if left:
        screen.note(f"ended what a launcher had left behind: {', '.join(left)}")
    refuse_taken(_ports(suite, services, is_split=is_split))
    home.remember(suite)
    await Launch(home, services, screen, is_split=is_split).run(on_up)


def _settle(home: Home, order: Order) -> Suite:
    """Put together what is asked for now and what was asked for at the last time."""
    known = home.suite if home.is_made else Suite()
    base = known.port_base if order.port_base is None else order.port_base
    if not BASE_MIN <= base <= BASE_MAX:
        raise OrderRefused(f"--port-base must be between {BASE_MIN} and {BASE_MAX}")
    kafka = known.kafka if order.kafka is None else order.kafka
    postgres = known.postgres if order.postgres is None else order.postgres
    return Suite(
        port_base=base,
        kafka=None if kafka in {None, EMBEDDED} else _broker(str(kafka)),
        postgres=None if postgres in {None, EMBEDDED} else read_database(str(postgres)),
    )


def _broker(text: str) -> str:
    for each in text.split(","):
        host, _, port = each.rpartition(":")
        if not host or not port.isdecimal():
            raise OrderRefused("--kafka must be host:port, or several of them with commas")
    return text


def read_database(text: str) -> str:
    """
    Check the address of a server that is not ours.

    Raises:
        OrderRefused: It is none, or holds a password.
    """
    parts = urlsplit(text)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.hostname:
        raise OrderRefused("--postgres must be like postgresql://user@host:5432/postgres")
    if parts.password is not None:
        # What stands in a command line can be read by everybody on this machine.
        raise OrderRefused("--postgres must hold no password: set PGPASSWORD, or keep it in ~/.pgpass")
    return text


def _ports(suite: Suite, services: Sequence[Installed], *, is_split: bool) -> dict[str, int]:
    """Return the ports that we shall listen on, by the names of the parts."""
    own = {BROKER: suite.kafka is None, POSTGRES: suite.postgres is None, MAIL: catches_mail(services)}
    ports = {name: suite.port_base + OFFSETS[name] for name, is_own in own.items() if is_own}
    for plan in plan_processes(suite.port_base, services, is_split=is_split):
        ports.update(plan.doors)
    return ports


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _leaves(each)
    else:
        yield error
