"""`python -m rapport_chassis.run contacts interactions --roles http,mirror`: start roles of services in one process."""

import argparse
import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import structlog
import uvloop

from rapport_chassis.auth import Issuer, Verifier
from rapport_chassis.health import Readiness, health_app
from rapport_chassis.keysets import KeyAddress, KeyFile, KeySource
from rapport_chassis.logging import set_up_logging
from rapport_chassis.peers import Peers, PeerSeal
from rapport_chassis.roles import ROLES, WORK, Household, Member, Role, supervise
from rapport_chassis.service import Service, find_names, find_services
from rapport_chassis.serving import Probes, listen
from rapport_chassis.settings import (
    PORTS,
    Broker,
    Edge,
    Keys,
    Mail,
    Peers as PeerSettings,
    Process,
    Settings,
    SettingsRefused,
    Store,
    Tokens,
    Traces,
    Webhooks,
    key_bytes,
    prefix_of,
    read,
    refuse_unknown,
)
from rapport_chassis.webhooks.addresses import Outgoing
from rapport_events.database import open_pool
from rapport_events.postgres_keyring import PostgresKeyring

log = structlog.get_logger()

_KEYRING_CONNECTIONS: Final = 4
GC_THRESHOLDS: Final = (50_000, 20, 50)
"""Batches hold thousands of young objects at a time; to collect these again and again would cost most of the time."""
_OTEL_ENDPOINTS: Final = {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}
_SETTLED_SECONDS_MAX: Final = 10
_LOOK_SECONDS: Final = 0.05

Find = Callable[[list[str]], list[Service]]
G = TypeVar("G", bound=Settings)


def main(arguments: Sequence[str] | None = None, *, find: Find = find_services) -> int:
    """Run until SIGTERM or SIGINT; return the exit code (0 stopped in order, 2 refused to start)."""
    names, roles = _parse(arguments)
    try:
        services = find(names)
        process = read(Process)
        refuse_unknown(_names_of(services), {*PORTS, *names})
        set_up_logging(process.log_level)
        with _tracing(read(Traces)), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(services, roles, process))
    except SettingsRefused as refused:
        for fault in refused.faults:
            print(fault, file=sys.stderr)  # noqa: T201  # nobody reads logs of what has not started
        return 2
    return 0


def _parse(arguments: Sequence[str] | None) -> tuple[list[str], list[Role]]:
    parser = argparse.ArgumentParser(prog="python -m rapport_chassis.run", description="Start roles of services.")
    parser.add_argument("services", nargs="*", metavar="SERVICE", help="all that are installed where none is named")
    parser.add_argument("--roles", default=",".join(ROLES), help="some of %(default)s, with commas between")
    given = parser.parse_args(arguments)
    roles = str(given.roles).split(",")
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        parser.error(f"no such role: {', '.join(unknown)}; there are {', '.join(ROLES)}")
    names: list[str] = given.services or find_names()
    return list(dict.fromkeys(names)), [role for role in ROLES if role in roles]


def _tracing(settings: Traces) -> AbstractContextManager[None]:
    if settings.otlp_endpoint is None and not _OTEL_ENDPOINTS & set(os.environ):
        return contextlib.nullcontext()
    # Loading OpenTelemetry takes a third of a second, which whoever traces nothing need not wait for.
    from rapport_chassis.traces import tracing_to

    return tracing_to(settings.otlp_endpoint, ratio=settings.trace_ratio)


def _names_of(services: Collection[Service]) -> set[str]:
    return {name for each in services for group in each.settings for name in group.names(prefix_of(each.name))}


async def _run(services: Sequence[Service], roles: Sequence[Role], process: Process) -> None:
    async with AsyncExitStack() as stack:
        house = await _furnish(stack, services, roles, process)
        members = [_member(stack, service, roles, house) for service in services]
        probes = _probes(stack, members, process)
        stopping = _hear_signals()
        async with asyncio.TaskGroup() as group:
            tasks = {
                (role, member.name): group.create_task(supervise(member, role, partial(WORK[role], member)))
                for member in members
                for role in member.roles
            }
            probing = group.create_task(probes.serve()) if probes else None
            group.create_task(_settle(members))
            await stopping.wait()
            await _drain(members, [task for (role, _), task in tasks.items() if role == "http"], process.stop_seconds)
            for task in tasks.values():
                task.cancel()
            if probes and probing:
                probes.stop()
                await probing
    log.info("stopped", services=[service.name for service in services], roles=list(roles))


async def _furnish(
    stack: AsyncExitStack, services: Sequence[Service], roles: Sequence[Role], process: Process
) -> Household:
    """Read the settings that these roles need, naming all that is missing at once, and make what is shared."""
    owns = any(service.owns_ledger for service in services)
    faults: list[str] = []
    keys = _read(Keys, faults) if owns else None
    tokens = _read(Tokens, faults) if "http" in roles else None
    broker = _read(Broker, faults) if owns and not {"mirror", "readers"}.isdisjoint(roles) else None
    for service in services:
        for group in ((Store,) if service.owns_ledger else ()) + service.settings:
            _read(group, faults, service.name)
    webhooks, mail = _read(Webhooks, faults), _read(Mail, faults)
    verifier = _verifier(tokens, faults) if tokens else None
    if faults:
        raise SettingsRefused(faults)
    house = Household(peers=Peers(read(PeerSettings).url_of, PeerSeal(b"")), verifier=verifier, broker=broker)
    house.stop_seconds = process.stop_seconds
    house.clock_file = process.clock_file
    house.mail = mail or house.mail
    if webhooks is not None:
        ports = frozenset(map(int, webhooks.webhook_ports.split()))
        house.outgoing = Outgoing(allows_loopback=webhooks.webhook_loopback, ports=ports)
    if keys is not None:
        master = key_bytes(keys.master_key)
        dsn = keys.keyring.get_secret_value()
        pool = await open_pool(dsn, name="rapport.keyring", connections_max=_KEYRING_CONNECTIONS)
        stack.callback(pool.terminate)
        house.keyring = PostgresKeyring(pool, master)
        house.seal = PeerSeal(master)
        house.peers = Peers(read(PeerSettings).url_of, house.seal)
    return house


def _read(group: type[G], faults: list[str], service: str | None = None) -> G | None:
    try:
        return read(group, service)
    except SettingsRefused as refused:
        faults += refused.faults
        return None


def _verifier(tokens: Tokens, faults: list[str]) -> Verifier | None:
    """Give each issuer its own key set: those in files first, then those behind addresses."""
    names = tokens.issuer.split()
    sources: list[KeySource] = [KeyFile(Path(path)) for path in (tokens.jwks_file or "").split()]
    for url in (tokens.jwks_url or "").split():
        if not url.startswith(("https://", "http://")):
            faults.append("RAPPORT_JWKS_URL must be one or more http(s) addresses")
            return None
        sources.append(KeyAddress(url))
    if len(names) != len(sources):
        faults.append(
            "RAPPORT_JWKS_FILE or RAPPORT_JWKS_URL is missing: one key set is needed for each name in RAPPORT_ISSUER"
        )
        return None
    issuers = [Issuer(name, source) for name, source in zip(names, sources, strict=True)]
    return Verifier(issuers, audience=tokens.audience)


def _member(stack: AsyncExitStack, service: Service, roles: Sequence[Role], house: Household) -> Member:
    """Bind a service's port and say which parts readiness will speak of."""
    readiness = Readiness(service.name)
    member = Member(service=service, house=house, readiness=readiness)
    member.roles = tuple(role for role in roles if service.owns_ledger or role == "http")
    if service.owns_ledger:
        member.settings = read(Store, service.name)
    for role in member.roles:
        readiness.expect(role, is_vital=role == "http")
    if "http" in member.roles:
        edge = read(Edge, service.name)
        variable = f"{prefix_of(service.name)}PORT"
        port = edge.port if edge.port is not None else PORTS.get(service.name)
        if port is None:
            raise SettingsRefused([f"{variable} is missing: the port to listen on"])
        member.listener = listen(edge.host, port, variable)
        stack.callback(member.listener.close)
    return member


def _probes(stack: AsyncExitStack, members: Sequence[Member], process: Process) -> Probes | None:
    """Serve health alone, where RAPPORT_HEALTH_PORT asks for it: a process without HTTP has no other door."""
    if process.health_port is None:
        return None
    listener = listen(process.health_host, process.health_port, "RAPPORT_HEALTH_PORT")
    stack.callback(listener.close)
    return Probes(health_app([member.readiness for member in members]), listener, process.stop_seconds)


def _hear_signals() -> asyncio.Event:
    """Return what is set by SIGTERM or SIGINT; the second one ends the process at once."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hear(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, hear, number)
    return stopping


async def _settle(members: Sequence[Member]) -> None:
    """When all doors are open, take what was made so far out of the garbage collector's sight."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SETTLED_SECONDS_MAX):
            while any("http" in member.roles and not (member.server and member.server.started) for member in members):
                await asyncio.sleep(_LOOK_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def _drain(members: Sequence[Member], serving: Sequence[asyncio.Task[None]], seconds: int) -> None:
    """Say that we go, let requests under way end, and take no new ones."""
    for member in members:
        member.is_stopping = member.readiness.is_stopping = True
        if member.server is not None:
            member.server.should_exit = True
        if member.listener is not None:
            # The server closes its copy; with this one open, the kernel would go on taking connections for nobody.
            member.listener.close()
    if serving:
        await asyncio.wait(serving, timeout=seconds + 1)


if __name__ == "__main__":
    sys.exit(main())
