"""All services on databases of their own, and tenants that live side by side in them as worlds to compare."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import httpx
import orjson

from rapport_analytics.app import service as analytics
from rapport_analytics.derivations.stage import StageDerivation
from rapport_contacts.app import service as contacts
from rapport_events.derivations import derive_once
from rapport_events.gate import reopen
from rapport_events.ids import PARTITIONS
from rapport_events.memory_keyring import MemoryKeyring
from rapport_events.reactions import Reactions
from rapport_events.reader import write_down
from rapport_events.testing import NOON, arrived
from rapport_events.view import Arrived
from rapport_interactions.app import service as interactions
from rapport_workflow.app import service as workflow
from tests.conftest import MakeServiceDatabase
from tests.slices import Slices, open_slices

Json = dict[str, Any]

_SCOPES = (
    "contacts:read contacts:write interactions:read interactions:write workflow:read workflow:write analytics:read"
)


@dataclass(slots=True)
class House:
    """Four services, between which facts are carried when a test says so."""

    services: Mapping[str, Slices]
    _carried: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])

    def __repr__(self) -> str:
        """Name it: what is in it would fill pages."""
        return "the house"

    async def carry(self) -> None:
        """Let all views of all services fold what is new, and analytics decide what follows."""
        new: list[Arrived] = []
        for name, slices in self.services.items():
            for partition in range(PARTITIONS):
                after = self._carried.get((name, partition), 0)
                facts = await slices.ledger.read_partition(partition, after=after, limit=10_000)
                self._carried[name, partition] = after + len(facts)
                new += [arrived(fact) for fact in facts]
        for slices in self.services.values():
            for reader in slices.readers:
                await reader.take(new)
            await write_down(slices.keeper, slices.readers)
        while await derive_once(self.services["analytics"].keeper, StageDerivation()):
            pass

    async def published(self, tenant: str) -> dict[str, str]:
        """Return the last stage that analytics has published of each customer."""
        rows = await self.services["analytics"].keeper.fetch(
            "SELECT DISTINCT ON (subject) subject, data ->> 'stage' AS stage FROM events WHERE tenant_id = $1"
            " AND type = 'crm.customer.stage_reached.v1' ORDER BY subject, version DESC",
            tenant,
        )
        return {row["subject"]: row["stage"] for row in rows}


@asynccontextmanager
async def open_house(make_service_database: MakeServiceDatabase) -> AsyncGenerator[House]:
    """Bring all services to life; workflow without its rules, which would do things because of what they see."""
    quiet = replace(workflow, views=tuple(view for view in workflow.views if not isinstance(view, Reactions)))
    keyring = MemoryKeyring()
    async with AsyncExitStack() as stack:
        services = {
            service.name: await stack.enter_async_context(
                open_slices(service, await make_service_database(service.name), keyring)
            )
            for service in (contacts, interactions, quiet, analytics)
        }
        async with services["analytics"].keeper.acquire() as connection:
            await reopen(connection)
        yield House(services)


@dataclass(slots=True)
class World:
    """One tenant of a house. What it answers is the same as another's if the same happened in both."""

    house: House
    tenant: str
    _labels: dict[str, str] = field(default_factory=dict[str, str])
    _wishes: int = 0

    async def wish(self, service: str, route: str, body: Json) -> int:
        """Wish something a minute after the wish before, and return the status."""
        slices = self.house.services[service]
        self._wishes += 1
        timed = {"at": (NOON + timedelta(minutes=self._wishes)).isoformat(), **body}
        answer = await slices.client.post(route, json=timed, headers=self._token(slices))
        if answer.is_success:
            granted: Json = answer.json()
            self._labels.setdefault(granted["id"], f"thing {self._wishes}")
            for n, event_id in enumerate(granted["event_ids"]):
                self._labels[event_id] = f"event {self._wishes}.{n}"
        return answer.status_code

    def skip(self) -> None:
        """Let as much time pass as a wish takes."""
        self._wishes += 1

    async def learn(self, name: str) -> str:
        """Ask for the id of whom the shop calls by a name."""
        found = await self.ask("contacts", "/v1/customers:named", system="shop", external_id=name)
        customer = str(found.json()["id"])
        self._labels[customer] = f"name {name}"
        return customer

    def name(self, id_: str, label: str) -> None:
        """Call an id the same in all worlds."""
        self._labels[id_] = label

    async def ask(self, service: str, route: str, **parameters: str) -> httpx.Response:
        """Ask something."""
        slices = self.house.services[service]
        return await slices.client.get(route, params=parameters, headers=self._token(slices))

    async def told(self, service: str, route: str, **parameters: str) -> object:
        """Ask something, and return the answer without what two worlds never share."""
        answer = await self.ask(service, route, **parameters)
        text = answer.text
        for id_, label in self._labels.items():
            text = text.replace(id_, label)
        return answer.status_code, _comparable(orjson.loads(text))

    def _token(self, slices: Slices) -> dict[str, str]:
        return slices.token(f"{_SCOPES} personal:read", self.tenant)


_OWN = frozenset(
    {"freshness", "recorded_at", "position", "partition", "next_cursor", "cursor", "moment", "correlation_id"}
)
"""Members that differ between equal worlds: places in ledgers, and times of record."""


def _comparable(value: object) -> object:
    if isinstance(value, dict):
        named = cast("dict[str, object]", value)
        return {name: _comparable(member) for name, member in named.items() if name not in _OWN}
    if isinstance(value, list):
        members = [_comparable(member) for member in cast("list[object]", value)]
        texts = [member for member in members if isinstance(member, str)]
        return sorted(texts) if len(texts) == len(members) else members
    return value
