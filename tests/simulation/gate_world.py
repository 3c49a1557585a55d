"""A service that decides on effects: a ledger, its mirror and reader, two gates that compete, and a provider."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast
from uuid import UUID

import asyncpg
import orjson

from rapport_events.codec import decode
from rapport_events.contracts.workflow import EffectPerformed
from rapport_events.database import Pool as RealPool
from rapport_events.effects import Due, Effects, Impossible, NotNow, Performed, perform
from rapport_events.envelope import Meta
from rapport_events.ids import CustomerId, EventId, partition_of_customer
from rapport_events.ledger import ANY, Append, Appended, LedgerShut, NewEvent, StreamAppend
from rapport_events.reader import ViewReader
from rapport_events.testing import NOON, TENANT
from tests.simulation.broker import Broker
from tests.simulation.callers import CUSTOMERS
from tests.simulation.database import Pool
from tests.simulation.gate_server import GateServer
from tests.simulation.ledger_server import LedgerServer
from tests.simulation.nature import Nature, Process
from tests.simulation.plan import FAULT_SECONDS, Plan
from tests.simulation.reader_server import reader_statements
from tests.simulation.roles import again, consuming_of, mirror_of
from tests.simulation.world import Violation

APPROVED: Final = "crm.send.approved.v1"
NOTED: Final = "crm.send.noted.v1"
"""Something that no view reads."""
LEASE_SECONDS: Final = 3.0
_CALM_SECONDS_MAX: Final = 300
_HARMLESS: Final = ("kill_reader", "kill_mirror", "lose_tail", "stranger")
"""Faults in which no gate is interrupted: whatever else happens, the provider is asked once."""
GATE_FAULTS: Final = ("kill_gate", "stop_gate", "restart_database", *_HARMLESS)


@dataclass
class Provider:
    """Does what it is asked for, and remembers each time."""

    process: Process
    done: list[UUID]
    kind: Literal["mail"] = "mail"

    async def perform(self, due: Due) -> Performed | Impossible:
        """Say yes, or sometimes that it is not the moment."""
        await self.process.takes()
        if self.process.nature.is_so(0.1):
            raise NotNow("busy")
        self.done.append(due.key)
        await self.process.takes()
        return Performed()


@dataclass(eq=False)
class GateWorld:
    """All that there is in one schedule."""

    nature: Nature
    plan: Plan
    processes: dict[str, Process] = field(default_factory=dict[str, Process])
    decided: list[UUID] = field(default_factory=list[UUID])
    done: list[UUID] = field(default_factory=list[UUID])

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.broker = Broker(self.nature)
        self.ledger = LedgerServer(self.nature, "workflow", self._loop.time)
        self.models = self.ledger.database
        gate = GateServer(self.ledger, self.now)
        self.models.statements = {**self.models.statements, **reader_statements(), **gate.statements()}

    def now(self) -> datetime:
        """Return the moment."""
        return NOON + timedelta(seconds=self._loop.time())

    async def run(self) -> None:
        """Begin everything, let it come to rest, and count."""
        for name in ("mirror", "reader", "gate 1", "gate 2", "http"):
            self.start(name)
        async with asyncio.TaskGroup() as group:
            for number in range(1, self.plan.appends + 1):
                group.create_task(self._decide(number))
            for fault in self.plan.faults:
                group.create_task(self._suffer(fault))
        until = self._loop.time() + _CALM_SECONDS_MAX
        while not self._is_at_rest():
            if self._loop.time() > until:
                raise Violation(
                    f"after {_CALM_SECONDS_MAX} calm seconds {self.models.tables['effects']} are to be done"
                )
            await asyncio.sleep(1)
        self._check()

    def start(self, name: str) -> None:
        """Start a process, or start it anew."""
        process = self.processes[name] = Process(self.nature, name)
        pool = cast("RealPool", Pool(self.models, process))
        if name == "mirror":
            process.start(mirror_of(self, process).run())
        elif name == "reader":
            readers = [ViewReader(Effects(), pool)]
            process.start(again(self, process, lambda: consuming_of(self, process, readers, None).run()))
        elif name.startswith("gate"):
            performers, lease = [Provider(process, self.done)], LEASE_SECONDS
            process.start(again(self, process, lambda: perform(pool, performers, self.now, lease_seconds=lease)))

    async def _decide(self, number: int) -> None:
        chance = self.nature.random
        await asyncio.sleep(chance.random() * FAULT_SECONDS)
        customer = chance.choice(CUSTOMERS)
        partition = partition_of_customer(TENANT, CustomerId(customer))
        key = UUID(int=0x0192 << 112 | 0x7 << 76 | 0x2 << 62 | number << 8 | partition)
        self.decided.append(key)
        await self._record(key, customer, APPROVED, key.int & 0xFF, number)

    async def _record(self, key: UUID, customer: UUID, of_type: str, partition: int, number: int) -> None:
        event = NewEvent(
            event_id=EventId(UUID(int=key.int + (number << 40))),
            type=of_type,
            schema="1.0",
            subject=str(customer),
            data=orjson.dumps({"send_id": str(key)}),
            meta=Meta(actor="ann", correlation_id=f"wish {number}").to_json(),
            occurred_at=NOON,
        )
        request = Append((StreamAppend(f"send-{key}", partition, ANY, (event,)),), None, ())
        while True:
            try:
                [outcome] = await self.ledger.append(self.processes["http"], TENANT, [request])
            except (OSError, asyncpg.PostgresConnectionError, LedgerShut):
                if self._is_there(event.event_id):
                    return
                await asyncio.sleep(0.5)
                continue
            assert isinstance(outcome, Appended)
            return

    def _is_there(self, event_id: EventId) -> bool:
        return any(event.event_id == event_id for event in self.ledger.memory.events)

    async def _suffer(self, fault: Any) -> None:  # noqa: ANN401  # see faults.py
        await asyncio.sleep(fault.at)
        self.nature.note("fault", fault.kind)
        one, two, _ = fault.chances
        gate = f"gate {1 + (one < 0.5)}"
        match fault.kind:
            case "kill_gate" | "kill_reader" | "kill_mirror":
                name = gate if fault.kind == "kill_gate" else fault.kind.removeprefix("kill_")
                await self.processes[name].kill()
                await asyncio.sleep(two * 2)
                self.start(name)
            case "stop_gate":
                process = self.processes[gate]
                process.stop()
                await asyncio.sleep(two * 2 * LEASE_SECONDS)
                process.go_on()
            case "restart_database":
                self.models.stop()
                await asyncio.sleep(two)
                self.models.start()
            case "lose_tail":
                for topic in sorted(self.broker.topics):
                    for partition in range(32):
                        self.broker.lose_tail(topic, partition, 1 + int(two * 2))
            case _:
                await self._interfere(one)

    async def _interfere(self, chance: float) -> None:
        """Record something else in the stream of an effect, so that its receipt meets another version."""
        if self.decided:
            key = self.decided[int(chance * len(self.decided))]
            customer = next(
                each for each in CUSTOMERS if partition_of_customer(TENANT, CustomerId(each)) == key.int & 0xFF
            )
            await self._record(key, customer, NOTED, key.int & 0xFF, 1_000 + int(chance * 1_000))

    def _is_at_rest(self) -> bool:
        receipts = set(self._receipts())
        return not self.models.tables["effects"] and receipts >= set(self.decided)

    def _receipts(self) -> list[UUID]:
        events = [event for event in self.ledger.memory.events if event.type == "crm.effect.performed.v1"]
        return [cast("EffectPerformed", decode(event)).effect_key for event in events]

    def _check(self) -> None:
        receipts = self._receipts()
        wrong = [f"{receipts.count(key)} receipts of {key}" for key in self.decided if receipts.count(key) != 1]
        if all(fault.kind in _HARMLESS for fault in self.plan.faults):
            wrong += [
                f"{key} was done {self.done.count(key)} times" for key in self.decided if self.done.count(key) != 1
            ]
        wrong += [f"{key} was never done" for key in self.decided if key not in self.done]
        if wrong:
            raise Violation("; ".join(wrong))
