"""Ask, as a tenant who owns nothing, for what another one owns; and say where an answer depends on that."""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import httpx

from tests.system.belongings import Belongings
from tests.system.operations import Operation
from tests.system.probes import Probe, Thing, Told, Wire, lines_about, noun_of, probes, send_batch

AT_A_TIME: Final = 12
STRANGER: Final = "stranger"
SUITE_WIDE: Final = ("/v1/ledger/resend", "/v1/views")
"""What operators do to a service as a whole; no tenant's data are named or told there."""
_BEGUN: Final = {
    "customer": ("contacts", "/v1/customers", {"customer": {"system": "own", "external_id": "1"}, "source": "own"}),
    "case": (
        "interactions",
        "/v1/complaints",
        {"customer": {"system": "own", "external_id": "1"}, "category": "own", "channel": "web"},
    ),
    "task": ("workflow", "/v1/tasks", {"customer": {"system": "own", "external_id": "1"}, "kind": "own"}),
}
"""By noun: where a tenant makes one of its own."""

SignToken = Callable[[str], str]


@dataclass
class Asking:
    """Asks many services as many tenants."""

    clients: Mapping[str, httpx.AsyncClient]
    sign: SignToken
    belongings: Belongings
    asked: int = 0
    faults: list[str] = field(default_factory=list[str])
    _twins: dict[object, tuple[object, ...]] = field(default_factory=dict[object, tuple[object, ...]])
    _run: str = field(default_factory=lambda: secrets.token_hex(3))
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_A_TIME))

    async def ask_all(self, operations: Sequence[Operation], *, commands_in_batches: bool = False) -> None:
        """Ask in every place of every route; of commands, which come in batches too, there alone."""
        asked = [
            self._ask(probe)
            for operation in operations
            if not operation.path.startswith(SUITE_WIDE) and not (commands_in_batches and operation.is_command)
            for probe in probes(operation, self.belongings.all_of(operation.service))
        ]
        await asyncio.gather(*asked)
        for service in self.clients:
            await self._ask_batches(service, [each for each in operations if each.service == service])

    async def _ask(self, probe: Probe) -> None:
        async with self._turns:
            told = await self._tell(probe, probe.thing)
            twin = await self._twin(probe)
        self._judge(probe.label, told, twin, probe.thing, is_free=probe.thing.kind in {"cursor", "feed", "position"})

    async def _twin(self, probe: Probe) -> tuple[object, ...]:
        """Return what is told of something that nobody has, asked once for each place and form."""
        partition = probe.thing.partition if "partition" in probe.operation.query else 0
        place = (probe.operation.label, probe.slot, probe.shape, probe.thing.form, partition)
        if place not in self._twins:
            told = await self._tell(probe, probe.thing.twin)
            self._twins[place] = told.essence(probe.thing.twin)
        return self._twins[place]

    async def _ask_batches(self, service: str, operations: Sequence[Operation]) -> None:
        commands = [each for each in operations if each.is_command]
        for thing in self.belongings.all_of(service):
            lines, twins = lines_about(commands, thing), lines_about(commands, thing.twin)
            if not lines:
                continue
            told = await send_batch(self.clients[service], self._token(), lines)
            other = await send_batch(self.clients[service], self._token(), twins)
            for line, one, two in zip(lines, told, other, strict=True):
                self._judge(f"{service} batch {line.decode()}", one, two.essence(thing.twin), thing, is_free=False)

    async def _tell(self, probe: Probe, thing: Thing) -> Told:
        token, own = self.sign(STRANGER), dict[str, str]()
        if probe.needs_own_tenant:
            token = self._token()
            ways = [slot for slot in probe.operation.slots_of("path") if slot != probe.slot]
            own = await self._begin(token, [noun_of(slot.name) for slot in ways])
        return await probe.request(thing, own).send(self.clients[probe.operation.service], token)

    async def _begin(self, token: str, nouns: Sequence[str]) -> dict[str, str]:
        """Give a tenant what a route works on, so that it comes as far as looking at what it names besides."""
        own: dict[str, str] = {}
        for noun in nouns:
            if noun in _BEGUN:
                service, path, body = _BEGUN[noun]
                answer = await self.clients[service].post(path, json=body, headers={"authorization": f"Bearer {token}"})
                assert answer.status_code == httpx.codes.CREATED, answer.text
                own[noun] = str(answer.json()["id"])
        return own

    def _token(self) -> str:
        return self.sign(f"{STRANGER}{self._run}{next(self._numbers)}")

    async def find_own(self, operations: Sequence[Operation]) -> dict[str, int]:
        """Ask as the owner for what others asked for; return what each route answered, once for each of its things."""
        found: dict[str, int] = {}
        token = self.sign(self.belongings.tenant)
        for operation in operations:
            if not operation.is_command and operation.method != "GET":
                continue
            for slot in operation.slots_of("path"):
                kind = "parked" if operation.path.startswith("/v1/parked/") else noun_of(slot.name)
                for thing in self.belongings.all_of(operation.service):
                    if thing.kind == kind:
                        wire = Probe(operation, slot, thing, "plain").request(thing, {})
                        told = await _so_that_nothing_comes_of_it(operation, wire, self.belongings).send(
                            self.clients[operation.service], token
                        )
                        found[operation.label] = told.status
        return found

    def _judge(self, label: str, told: Told, twin: tuple[object, ...], thing: Thing, *, is_free: bool) -> None:
        """Note what is told of somebody else's thing that would not be told of one that nobody has."""
        self.asked += 1
        told_of = told.names([each for each in self.belongings.markers if each.lower() not in thing.value.lower()])
        if told_of:
            self.faults.append(f"{label}: tells {told_of}")
        if told.status >= httpx.codes.INTERNAL_SERVER_ERROR:
            self.faults.append(f"{label}: {told.status} {told.content[:200]!r}")
        if not is_free and told.essence(thing) != twin:
            self.faults.append(f"{label}: {told.essence(thing)} but of nobody's {twin}")


def _so_that_nothing_comes_of_it(operation: Operation, wire: Wire, belongings: Belongings) -> Wire:
    if operation.is_command:
        # The thing is found, but nobody is that far.
        wire.headers["If-Match"] = '"999999"'
    if "survivor" in wire.query:
        wire.query["survivor"] = next(thing.value for thing in belongings.things if thing.kind == "merged")
    return wire
