"""A small suite under virtual time: a ledger, two mirrors that compete, a broker, two readers that compete."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from rapport_cli.verifying.checker import Entry, Findings, check_ledger, check_looks, check_place
from rapport_cli.verifying.history import Told
from rapport_events.envelope import topic_of
from rapport_events.tally import tally_of
from rapport_events.testing import TENANT
from tests.simulation.broker import Broker
from tests.simulation.callers import CUSTOMERS, PARTITIONS_USED, Writer, look
from tests.simulation.database import Database, Row
from tests.simulation.ledger_server import LedgerServer
from tests.simulation.nature import Nature, Process
from tests.simulation.plan import FAULT_SECONDS, Plan
from tests.simulation.reader_server import reader_statements
from tests.simulation.roles import SERVICE, keep, mirror_of, operate, read
from tests.simulation.taken import Taken

_CALM_SECONDS_MAX: Final = 200
_OF_TOMORROW: Final = Taken(8)
_LOOKS: Final = 4
RICH: Final = frozenset({"restore_ledger", "poison", "rebuild_model"})
"""Faults for which readers also keep rebuilds and follow eras, and an operator is there."""


class Violation(AssertionError):
    """Something that is promised did not hold."""


@dataclass(eq=False)
class World:
    """All that there is in one schedule."""

    nature: Nature
    plan: Plan
    told: Told = field(default_factory=Told)
    processes: dict[str, Process] = field(default_factory=dict[str, Process])
    decided: dict[str, str] = field(default_factory=dict[str, str])
    """What an operator decided about events that could not be folded."""
    violations: list[str] = field(default_factory=list[str])
    is_monotonic: bool = True
    """Whether nothing was restored so far: whoever reads never sees less than before."""
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
        self.is_rich = any(fault.kind in RICH for fault in self.plan.faults)
        self._reaches: dict[tuple[str, int], int] = {}

    async def run(self) -> None:
        """Begin everything, do what is planned, let it come to rest, and look at what is there."""
        for name in ("mirror 1", "mirror 2", "reader 1", "reader 2", "http", *(("operator",) if self.is_rich else ())):
            self.start(name)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write())
            group.create_task(self._look())
            for fault in self.plan.faults:
                group.create_task(self._suffer(fault))
        await self._come_to_rest()
        for model in self.models_fed:
            self._check(model)
        if not self.is_lossless or self.decided:
            # What was sent again, or repaired, is for those who come later; the others had it before it was lost.
            self.start("reader of tomorrow")
            await self._come_to_rest(_OF_TOMORROW.reader)
            self._check(_OF_TOMORROW.reader)

    def start(self, name: str) -> None:
        """Start a process, or start it anew."""
        process = self.processes[name] = Process(self.nature, name)
        role = name.partition(" ")[0]
        if role == "mirror":
            process.start(mirror_of(self, process).run())
        elif name == "reader of tomorrow":
            process.start(read(self, process, _OF_TOMORROW, None))
        elif role == "reader":
            process.start(keep(self, process) if self.is_rich else read(self, process, Taken(), self.group))
        elif role == "operator":
            process.start(operate(self, process))

    async def restart(self, name: str, after: float) -> None:
        """Kill a process; somebody starts it again."""
        self.nature.note("killed", name)
        await self.processes[name].kill()
        await asyncio.sleep(after)
        self.start(name)

    async def _write(self) -> None:
        chance = self.nature.random
        async with asyncio.TaskGroup() as group:
            for number in range(1, self.plan.appends + 1):
                writer = Writer(self.ledger, self.processes["http"], self.told)
                group.create_task(writer.write(number))
                await asyncio.sleep(chance.random() * 2 * FAULT_SECONDS / self.plan.appends)

    async def _look(self) -> None:
        for _ in range(_LOOKS):
            await asyncio.sleep(self.nature.random.random() * FAULT_SECONDS)
            self.look()

    def look(self) -> None:
        """Look at the read model as somebody with a browser does."""
        if self.models.is_up:
            for customer in CUSTOMERS:
                rows = [key for key in self.models.tables[self.live] if key[1] == str(customer)]
                look(self.told, "browser", "taken", str(customer), len(rows))

    @property
    def live(self) -> str:
        """The table that is read."""
        rows = self.models.tables["rebuilds"].values()
        return next((row["reader"] for row in rows if row["state"] == "live"), Taken().reader)

    @property
    def models_fed(self) -> list[str]:
        """The tables that are kept current in the ledger's present era, the one that is read first."""
        rows = self.models.tables["rebuilds"].values()
        beside = [row["reader"] for row in rows if row["state"] == "beside"]
        return [self.live, *(reader for reader in beside if self._checkpoints(reader))]

    def parked(self, model: str = "") -> list[Row]:
        """Return the records that are set aside, by all rebuilds or by one."""
        rows = sorted(self.models.tables["parked"].items(), key=lambda item: item[0])
        return [row for _, row in rows if row["released_at"] is None and model in {"", row["reader"]}]

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
            self.violations.append(
                f"{position} landed in {topic}[{partition}] behind {reach}, and nothing was lost before"
            )

    async def _come_to_rest(self, model: str = "") -> None:
        """Wait until a model, or all that are fed, have everything."""
        until = asyncio.get_running_loop().time() + _CALM_SECONDS_MAX
        while not all(self._is_at_rest(each) for each in ([model] if model else self.models_fed)):
            if asyncio.get_running_loop().time() > until:
                raise Violation(f"after {_CALM_SECONDS_MAX} calm seconds: {self._where(model or self.live)}")
            await asyncio.sleep(1)

    def _is_at_rest(self, model: str) -> bool:
        at = self._checkpoints(model)
        heads = self.ledger.heads
        return (
            self.ledger.takes_appends
            and not self.parked(model)
            and all(self._readable(p) == self._ids(p) and at.get(p) == heads[p] for p in PARTITIONS_USED)
        )

    def _where(self, model: str) -> str:
        heads, at = self.ledger.heads, self._checkpoints(model)
        places = [f"{p}: head {heads[p]} topic {len(self._readable(p))} reader {at.get(p)}" for p in PARTITIONS_USED]
        parked = [(row["position"], row["cause"]) for row in self.parked(model)]
        return f"{model}, era {self.ledger.era}, open {self.ledger.takes_appends}, parked {parked}; {'; '.join(places)}"

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

    def _mistaken(self, model: str) -> list[str]:
        """Name the partitions in which a model's tally is not that of the ledger's events."""
        rows = self.models.tables["checkpoints"].values()
        present = [row for row in rows if row["era"] == self.ledger.era and row["reader"] == model]
        ids = {row["partition"]: self._ids(row["partition"])[: row["position"]] for row in present}
        return [
            f"{model} has counted otherwise than the ledger in partition {row['partition']}"
            for row in present
            if row["tally"] != tally_of([each.encode() for each in ids[row["partition"]]], 0)
        ]

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
            check_place([entry for entry in ledger if self.decided.get(entry.event_id) != "discard"], found, model),
            *(check_looks(self.told) if self.is_monotonic else ()),
        ]
        wrong = [f"{each.place}: {each.examples}" for each in findings if not each.is_clean]
        for name, process in self.processes.items():
            if process.failure is not None:
                wrong.append(f"{name} ended: {process.failure!r}")
        wrong += self._mistaken(model)
        wrong += self.violations
        wrong += self.nature.alarms
        if wrong:
            raise Violation("; ".join(wrong))
