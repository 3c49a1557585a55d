"""A small suite under virtual time: a ledger, two mirrors that compete, a broker, two readers that compete."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast

from rapport_cli.verifying.checker import Entry, Findings, check_ledger, check_looks, check_place
from rapport_cli.verifying.history import Told
from rapport_events import subscribing, ways
from rapport_events.consuming import Consuming
from rapport_events.database import Pool as RealPool
from rapport_events.envelope import topic_of
from rapport_events.leadership import leading
from rapport_events.ledger import LedgerState
from rapport_events.mirror import Mirror, MirrorSettings
from rapport_events.reader import ViewReader
from rapport_events.scanner import Consumed
from rapport_events.subscribing import ConsumingSettings
from rapport_events.testing import TENANT
from tests.simulation.broker import Broker, Client
from tests.simulation.callers import CUSTOMERS, PARTITIONS_USED, Writer, look
from tests.simulation.consumer import declaring, read_again
from tests.simulation.database import Database, Pool
from tests.simulation.ledger_server import LedgerServer
from tests.simulation.nature import Nature, Process
from tests.simulation.plan import FAULT_SECONDS, Plan
from tests.simulation.reader_server import reader_statements
from tests.simulation.taken import Taken

SERVICE: Final = "interactions"
_MIRROR: Final = MirrorSettings(
    service=SERVICE,
    keeper="",
    bootstrap="",
    audit_seconds=3.0,
    poll_seconds=1.0,
    glance_seconds=1.0,
    lead_seconds=1.0,
    away_seconds=5.0,
    stopped_seconds=2.0,
    resend_seconds=2.0,
)
_CALM_SECONDS_MAX: Final = 200
_OF_TOMORROW: Final = Taken(8)
_LOOKS: Final = 4


class Violation(AssertionError):
    """Something that is promised did not hold."""


@dataclass(eq=False)
class World:
    """All that there is in one schedule."""

    nature: Nature
    plan: Plan
    told: Told = field(default_factory=Told)
    processes: dict[str, Process] = field(default_factory=dict[str, Process])
    is_lossless: bool = True
    """Whether the broker has lost nothing so far, and nothing has been restored."""

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        chance = self.nature.random
        self.broker = Broker(self.nature, is_embedded=chance.random() < 0.5)
        self.broker.lands.append(lambda topic, partition, held: self._check_landing(topic, partition, held.position))
        self.ledger = LedgerServer(self.nature, SERVICE, loop.time)
        self.models = Database(self.nature, "readers", reader_statements())
        self.group = "readers" if chance.random() < 0.5 else None
        self._reaches: dict[tuple[str, int], int] = {}

    async def run(self) -> None:
        """Begin everything, do what is planned, let it come to rest, and look at what is there."""
        for name in ("mirror 1", "mirror 2", "reader 1", "reader 2", "http"):
            self.start(name)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write())
            group.create_task(self._look())
            for fault in self.plan.faults:
                group.create_task(self._suffer(fault))
        await self._come_to_rest(self.live)
        self._check(self.live)
        if not self.is_lossless:
            # What was sent again is for those who come later; the others had it before it was lost.
            self.start("reader of tomorrow")
            await self._come_to_rest(_OF_TOMORROW.reader)
            self._check(_OF_TOMORROW.reader)

    def start(self, name: str) -> None:
        """Start a process, or start it anew."""
        process = self.processes[name] = Process(self.nature, name)
        role = name.partition(" ")[0]
        if role == "mirror":
            process.start(self._mirror(process).run())
        elif role == "reader":
            process.start(self._read(process, _OF_TOMORROW if name.endswith("tomorrow") else Taken()))

    async def restart(self, name: str, after: float) -> None:
        """Kill a process; somebody starts it again."""
        self.nature.note("killed", name)
        await self.processes[name].kill()
        await asyncio.sleep(after)
        self.start(name)

    def _mirror(self, process: Process) -> Mirror:
        client = Client(self.broker, process)

        async def connect(*_: object, **__: object) -> Any:  # noqa: ANN401  # a stand-in for a connection
            await process.takes()
            return self.ledger.database.connect(process)

        async def open_pool(*_: object, **__: object) -> RealPool:
            return cast("RealPool", Pool(self.ledger.database, process))

        own = ways.Ways(
            leading=partial(leading, connect=connect),
            open_pool=open_pool,
            find_eras=client.find_eras,
            apply_topics=client.apply_topics,
            producing=client.producing,
            scanning=client.scanning,
        )
        return Mirror(_MIRROR, own)

    async def _read(self, process: Process, view: Taken) -> None:
        client = Client(self.broker, process)
        pool = cast("RealPool", Pool(self.models, process))
        settings = ConsumingSettings(
            bootstrap="",
            group=None if view is _OF_TOMORROW else self.group,
            look_every_seconds=1.0,
            still_seconds=3.0,
            commit_every_seconds=2.0,
        )

        async def heads(_: str) -> LedgerState | None:
            await process.takes()
            return self.ledger.state() if self.ledger.database.is_up else None

        async def resend(_: str, partition: int, after: int) -> None:
            await process.takes()
            if self.ledger.database.is_up:
                self.ledger.notify("rapport_resend", f"{partition}:{after}")

        def scan(topic: str, partition: int) -> AsyncIterator[Sequence[Consumed]]:
            return read_again(client, topic, partition)

        own = subscribing.Ways(declare=declaring(self.broker, process), apply_topics=client.apply_topics)
        while True:
            consuming = Consuming(
                [ViewReader(view, pool)], pool, settings, heads=heads, scan=scan, resend=resend, ways=own
            )
            # A role that fails is started again by whoever runs it.
            try:
                await consuming.run()
            except Exception as error:  # noqa: BLE001  # whatever it is, it must come right in the end
                self.nature.note(process.name, "failed", type(error).__name__)
            await process.looks()
            await asyncio.sleep(1)

    async def _write(self) -> None:
        chance = self.nature.random
        async with asyncio.TaskGroup() as group:
            for number in range(1, self.plan.appends + 1):
                writer = Writer(self.ledger, self.processes["http"], self.told)
                group.create_task(writer.write(number))
                await asyncio.sleep(chance.random() * 2 * FAULT_SECONDS / self.plan.appends)

    async def _look(self) -> None:
        """Look at the read model as somebody with a browser does."""
        for _ in range(_LOOKS):
            await asyncio.sleep(self.nature.random.random() * FAULT_SECONDS)
            if self.models.is_up:
                for customer in CUSTOMERS:
                    rows = [key for key in self.models.tables[self.live] if key[1] == str(customer)]
                    look(self.told, "browser", "taken", str(customer), len(rows))

    @property
    def live(self) -> str:
        """The table that is read."""
        return "taken_v1_r1"

    async def _suffer(self, fault: Any) -> None:  # noqa: ANN401  # see faults.py
        from tests.simulation.faults import FAULTS

        await asyncio.sleep(fault.at)
        self.nature.note("fault", fault.kind)
        await FAULTS[fault.kind](self, fault.chances)

    def _check_landing(self, topic: str, partition: int, position: int) -> None:
        """Without a loss there is never a hole, not even for a moment: the next batch waits for the last one."""
        reach = self._reaches.get((topic, partition), 0)
        if position == reach + 1:
            self._reaches[topic, partition] = position
        elif position > reach and self.is_lossless:
            self.fail(f"{position} landed in {topic}[{partition}] behind {reach}, and nothing was lost before")

    def fail(self, sentence: str) -> None:
        """Note a violation; it is raised at the end."""
        self._violations().append(sentence)

    def _violations(self) -> list[str]:
        found: list[str] = self.__dict__.setdefault("violations", [])
        return found

    async def _come_to_rest(self, model: str) -> None:
        until = asyncio.get_running_loop().time() + _CALM_SECONDS_MAX
        while not self._is_at_rest(model):
            if asyncio.get_running_loop().time() > until:
                raise Violation(f"after {_CALM_SECONDS_MAX} calm seconds: {self._where(model)}")
            await asyncio.sleep(1)

    def _is_at_rest(self, model: str) -> bool:
        at = self._checkpoints(model)
        heads = self.ledger.heads
        return self.ledger.takes_appends and all(
            self._readable(p) == self._ids(p) and at.get(p) == heads[p] for p in PARTITIONS_USED
        )

    def _where(self, model: str) -> str:
        heads, at = self.ledger.heads, self._checkpoints(model)
        places = [f"{p}: head {heads[p]} topic {len(self._readable(p))} reader {at.get(p)}" for p in PARTITIONS_USED]
        return f"open {self.ledger.takes_appends}; {'; '.join(places)}"

    def _checkpoints(self, model: str) -> dict[int, int]:
        rows = self.models.tables["checkpoints"].values()
        return {
            row["partition"]: row["position"]
            for row in rows
            if row["era"] == self.ledger.era and row["reader"] == model
        }

    def _ids(self, partition: int) -> list[str]:
        return [str(event.event_id) for event in self.ledger.memory.line(partition)]

    def _readable(self, partition: int) -> list[str]:
        """Return what a reader gets that starts today."""
        topic = topic_of(SERVICE, self.ledger.era)
        if topic not in self.broker.topics:
            return []
        taken: list[str] = []
        for record in self.broker.topics[topic][partition]:
            if record.position == len(taken) + 1:
                taken.append((dict(record.headers)["ce_id"] or b"").decode())
        return taken

    def _check(self, model: str) -> None:
        ledger = [
            Entry(str(event.event_id), f"{TENANT}:{event.subject}", event.position, event.meta.correlation_id)
            for event in self.ledger.memory.events
        ]
        found = [
            Entry(row["event_id"], f"{row['tenant_id']}:{row['customer']}", row["position"])
            for _, row in sorted(self.models.tables[model].items())
        ]
        findings: list[Findings] = [
            check_ledger(self.told, ledger),
            check_place(ledger, found, model),
            *check_looks(self.told),
        ]
        wrong = [f"{each.place}: {each.examples}" for each in findings if not each.is_clean]
        for name, process in self.processes.items():
            if process.failure is not None:
                wrong.append(f"{name} ended: {process.failure!r}")
        wrong += self._violations()
        if wrong:
            raise Violation("; ".join(wrong))
