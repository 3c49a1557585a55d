"""The four roles of a service: answer HTTP, mirror the ledger, keep views current, and effects."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from socket import socket
from typing import Any, Final, Literal, TypeVar

import structlog

from rapport_chassis.auth import Verifier
from rapport_chassis.chores import do_chores
from rapport_chassis.desk import Desk, Store
from rapport_chassis.effects import CONNECTIONS, act, clock_of
from rapport_chassis.entrance import REQUEST_SECONDS_MAX
from rapport_chassis.health import Readiness
from rapport_chassis.http import make_app
from rapport_chassis.logging import leaf_of
from rapport_chassis.outside import Outside
from rapport_chassis.party import catch_up
from rapport_chassis.peers import Peers, PeerSeal
from rapport_chassis.service import Service
from rapport_chassis.serving import Server, make_server
from rapport_chassis.settings import Broker, Mail, SettingsRefused, Store as StoreSettings
from rapport_chassis.standing import Standing
from rapport_chassis.telemetry import ROLE_RESTARTS, ROLE_UP
from rapport_chassis.webhooks.addresses import Outgoing, resolve
from rapport_chassis.webhooks.delivering import Deliverer
from rapport_chassis.webhooks.sending import Sender
from rapport_events.beside import PartiesRead
from rapport_events.consuming import Consuming
from rapport_events.database import Pool, open_pool
from rapport_events.derivations import derive
from rapport_events.execute import Executor
from rapport_events.filling import Filler
from rapport_events.following import Following
from rapport_events.keeping import Keeping, Tools
from rapport_events.keyring import Keyring
from rapport_events.mirror import Mirror, MirrorSettings
from rapport_events.postgres_ledger import PostgresLedger
from rapport_events.scanner import read_partition, read_partitions
from rapport_events.statements import load
from rapport_events.subscribing import ConsumingSettings
from rapport_events.tracing import service_at_work

log = structlog.get_logger()

T = TypeVar("T")

Role = Literal["http", "mirror", "readers", "effects"]
ROLES: Final[tuple[Role, ...]] = ("http", "mirror", "readers", "effects")

_LEDGER_CONNECTIONS: Final = 3
"""A ledger that takes appends keeps so many of its pool for itself."""
_READERS_CONNECTIONS: Final = 6
_REBUILD_CONNECTIONS: Final = 4
_REBUILD_SHARE: Final = 0.5
"""In one process with everything else, a rebuild takes half of what it could."""
_WEBHOOK_CONNECTIONS: Final = 4
_PAUSE_SECONDS_MIN: Final = 0.25
_PAUSE_SECONDS_MAX: Final = 10.0
_STEADY_SECONDS: Final = 30
"""A role that was at work for this long begins again at once when it fails."""
_LOOK_SECONDS: Final = 0.25


@dataclass(slots=True, kw_only=True)
class Household:
    """What all services of a process share; what no role needs is absent."""

    peers: Peers
    verifier: Verifier | None = None
    broker: Broker | None = None
    keyring: Keyring | None = None
    seal: PeerSeal | None = None
    clock_file: str | None = None
    mail: Mail = field(default_factory=Mail)
    stop_seconds: int = 25
    outgoing: Outgoing = field(default_factory=Outgoing)


@dataclass(slots=True, kw_only=True)
class Member:
    """One service in this process."""

    service: Service
    house: Household
    readiness: Readiness
    roles: tuple[Role, ...] = ()
    settings: StoreSettings | None = None
    listener: socket | None = None
    server: Server | None = None
    is_stopping: bool = False

    @property
    def name(self) -> str:
        """The service's name."""
        return self.service.name


async def supervise(member: Member, role: Role, work: Callable[[], Awaitable[None]]) -> None:
    """
    Keep a role at work: after any failure it begins again, later each time, and readiness says so.

    This is one of the few places that may catch everything: a role is somebody's code, its database or broker may be
    away, and one that died silently would be worse than one that fails again and again in the logs.
    """
    service_at_work.set(member.name)
    up = ROLE_UP.labels(member.name, role)
    pause = _PAUSE_SECONDS_MIN
    while True:
        began_at = asyncio.get_running_loop().time()
        up.set(1)
        try:
            await work()
        except SettingsRefused:
            raise
        except Exception as error:  # see above
            up.set(0)
            if member.is_stopping:
                return
            member.readiness.say(role, "waiting", _kind(error))
            log.warning("role_failed", service=member.name, role=role, error=_kind(error), exc_info=error)
        else:
            up.set(0)
            return
        if asyncio.get_running_loop().time() - began_at >= _STEADY_SECONDS:
            pause = _PAUSE_SECONDS_MIN
        ROLE_RESTARTS.labels(member.name, role).inc()
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # no secret: it keeps processes apart
        pause = min(pause * 2, _PAUSE_SECONDS_MAX)


def _kind(error: BaseException) -> str:
    return type(leaf_of(error)).__name__


def _given(value: T | None) -> T:
    """Return what `run.py` provides for every role that needs it."""
    if value is None:
        raise RuntimeError("the role was started without what it needs")
    return value


async def serve(member: Member) -> None:
    """Answer HTTP until told to stop; neither the broker nor the database is waited for."""
    service, house = member.service, member.house
    if not service.owns_ledger:
        await _serve_from(member, None)
        return
    settings, keyring = _given(member.settings), _given(house.keyring)
    pool = await open_pool(
        settings.app.get_secret_value(),
        name=f"{service.name}.http",
        connections_max=settings.pool_size + _LEDGER_CONNECTIONS,
        statement_seconds=settings.statement_seconds,
    )
    try:
        async with PostgresLedger(service=service.name, app=pool) as ledger, asyncio.TaskGroup() as group:
            member.readiness.expect("database", is_vital=True, check=partial(_check, pool))
            standing = Standing(pool, service.views, house.peers.heads)
            executor = Executor(ledger, keyring, PartiesRead(pool), partial(catch_up, standing))
            store = Store(ledger=ledger, executor=executor, keyring=keyring, pool=pool, standing=standing)
            watching = group.create_task(standing.run())
            await _serve_from(member, store)
            watching.cancel()
    finally:
        pool.terminate()


async def _serve_from(member: Member, store: Store | None) -> None:
    service, house = member.service, member.house
    listener = _given(member.listener)
    desk = Desk(
        service=service,
        verifier=_given(house.verifier),
        readiness=member.readiness,
        peers=house.peers,
        seal=house.seal,
        opened=store,
        outgoing=house.outgoing,
        answer_seconds=member.settings.answer_seconds if member.settings else REQUEST_SECONDS_MAX,
    )
    lifespan: Literal["on", "off"] = "on" if service.lifespan else "off"
    app = make_app(desk)
    server = make_server(app, stop_seconds=house.stop_seconds, lifespan=lifespan)
    member.server = server
    server.should_exit = member.is_stopping
    # A copy of the listener: serving closes what it was given, and a role that begins again needs the port.
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve([listener.dup()]))
        cutting = group.create_task(app.cut_off())
        await server.wait_until_started()
        member.readiness.say("http", "ready")
        log.info("http_listening", service=service.name, port=listener.getsockname()[1])
        await serving
        cutting.cancel()


async def _check(pool: Pool) -> str | None:
    try:
        async with asyncio.timeout(1):
            await pool.fetchval(load("rapport_chassis", "ping"))
    except Exception as error:  # noqa: BLE001  # whatever it is, readiness names its kind
        return type(error).__name__
    return None


async def mirror(member: Member) -> None:
    """Carry the ledger to its topic until cancelled."""
    settings, broker = _given(member.settings), _given(member.house.broker)
    mirror = Mirror(
        MirrorSettings(
            service=member.name,
            keeper=settings.keeper.get_secret_value(),
            bootstrap=broker.kafka,
            prefix=broker.topic_prefix,
        )
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(mirror.run())
        while True:
            state = mirror.state
            is_ready = state.phase == "copying"
            member.readiness.say("mirror", "ready" if is_ready else "waiting", None if is_ready else state.phase)
            await asyncio.sleep(_LOOK_SECONDS)


async def keep_views(member: Member) -> None:
    """Keep the service's views current, and decide what follows from them, until cancelled."""
    service, house = member.service, member.house
    settings, broker = _given(member.settings), _given(house.broker)
    if not service.views:
        await _idle(member, "readers")
        return
    keeper, keyring = settings.keeper.get_secret_value(), _given(house.keyring)
    pool = await open_pool(keeper, name=f"{service.name}.readers", connections_max=_READERS_CONNECTIONS)
    beside = await open_pool(keeper, name=f"{service.name}.rebuilds", connections_max=_REBUILD_CONNECTIONS)
    filler = Filler(
        service=service.name,
        pool=beside,
        keyring=keyring,
        scan=partial(read_partitions, broker.kafka),
        prefix=broker.topic_prefix,
        share=_REBUILD_SHARE,
    )
    keeping = Keeping(service.views, Tools(pool=pool, keyring=keyring, filler=filler, heads=house.peers.heads))
    following = Following(
        views=service.views, pool=pool, heads=house.peers.heads, bootstrap=broker.kafka, prefix=broker.topic_prefix
    )
    try:
        consuming = Consuming(
            await keeping.readers(),
            pool,
            ConsumingSettings(
                bootstrap=broker.kafka,
                group=f"{broker.topic_prefix}-{service.name}" if broker.consumer_groups else None,
                prefix=broker.topic_prefix,
                session_seconds=broker.session_seconds,
                member=broker.member,
            ),
            heads=house.peers.heads,
            scan=partial(_scan, broker.kafka),
            resend=house.peers.resend,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(consuming.run())
            group.create_task(keeping.run(consuming))
            group.create_task(following.run(consuming))
            if service.derivations:
                group.create_task(derive(pool, service.derivations))
            while True:
                is_ready = consuming.is_assigned.is_set()
                member.readiness.say("readers", "ready" if is_ready else "waiting", None if is_ready else "joining")
                await asyncio.sleep(_LOOK_SECONDS)
    finally:
        beside.terminate()
        pool.terminate()


async def _scan(bootstrap: str, topic: str, partition: int) -> AsyncIterator[Sequence[Any]]:
    async for records in read_partition(bootstrap, topic, partition):
        yield records


async def perform_effects(member: Member) -> None:
    """Fire timers, perform what was decided, deliver webhooks and do the service's chores, until cancelled."""
    settings = _given(member.settings)
    keeper = settings.keeper.get_secret_value()
    pool = await open_pool(keeper, name=f"{member.name}.effects", connections_max=CONNECTIONS)
    try:
        async with asyncio.TaskGroup() as group:
            outside = Outside(pool, _given(member.house.keyring), member.house.mail)
            group.create_task(act(member.service, outside, clock_of(member.house.clock_file)))
            group.create_task(_deliver_webhooks(member, keeper))
            if member.service.chores:
                group.create_task(do_chores(member.name, keeper, member.service.chores))
            await pool.fetchval(load("rapport_chassis", "ping"))
            member.readiness.say("effects", "ready")
    finally:
        pool.terminate()


async def _deliver_webhooks(member: Member, keeper: str) -> None:
    """Deliver events to webhooks until cancelled; of several processes one does."""
    pool = await open_pool(keeper, name=f"{member.name}.webhooks", connections_max=_WEBHOOK_CONNECTIONS)
    try:
        deliverer = Deliverer(
            service=member.name,
            pool=pool,
            keyring=_given(member.house.keyring),
            sender=Sender(member.house.outgoing, resolve),
            clock=clock_of(member.house.clock_file),
        )
        await deliverer.run(keeper)
    finally:
        pool.terminate()


async def _idle(member: Member, role: Role) -> None:
    """Have nothing to do, and say so."""
    member.readiness.say(role, "ready")
    await asyncio.Event().wait()


WORK: Final[Mapping[Role, Callable[[Member], Awaitable[None]]]] = {
    "http": serve,
    "mirror": mirror,
    "readers": keep_views,
    "effects": perform_effects,
}
