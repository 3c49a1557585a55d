"""Deliver events to webhooks: in order for each customer, again at growing distances, until the receiver has them."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import structlog
from prometheus_client import Counter

from rapport_chassis.webhooks.commands import STOP, StopWebhook
from rapport_chassis.webhooks.queue import Due, Queue, Tried
from rapport_chassis.webhooks.sending import Sender
from rapport_chassis.webhooks.signing import headers_of, secret_of
from rapport_chassis.webhooks.view import Endpoint, endpoint_of
from rapport_events.clock import Clock, wall_clock
from rapport_events.cloudevents import MEDIA_TYPE, open_data, to_structured
from rapport_events.codec import key_ids
from rapport_events.command import Request
from rapport_events.database import Pool
from rapport_events.execute import Executor
from rapport_events.ids import TenantId
from rapport_events.keyring import Keyring, KeyringAway
from rapport_events.leadership import leading
from rapport_events.ledger import LedgerShut
from rapport_events.postgres_ledger import PostgresLedger
from rapport_events.statements import load

log = structlog.get_logger()

ATTEMPTED = Counter("rapport_webhook_attempts", "Attempts to deliver, by what became of them.", ["service", "outcome"])
STOPPED = Counter("rapport_webhook_stopped", "Webhooks that were disabled because nobody took.", ["service", "reason"])

PAUSES: Final = (
    *(timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30)),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
"""Between attempts, as Standard Webhooks asks: ten in all, the last 75 h 35 min after the first."""
AT_ONCE: Final = 32
"""Deliveries to one webhook at a time, each of another customer."""
KEPT: Final = timedelta(days=30)
"""How long a made delivery can be looked at."""

_LOOK_SECONDS: Final = 0.5
_TIDY_SECONDS: Final = 3_600
_ROWS_MAX: Final = 1_000
_LEAD_SECONDS: Final = 1.0


@dataclass(slots=True, kw_only=True)
class Deliverer:
    """Delivers the events of one service."""

    service: str
    pool: Pool
    """As keeper."""
    keyring: Keyring
    sender: Sender
    clock: Clock = wall_clock

    async def run(self, dsn: str) -> None:
        """Deliver, as the only process that does, until cancelled."""
        lead = load("rapport_chassis", "webhooks/lead")
        async with leading(dsn, name=f"{self.service}.webhooks", try_seconds=_LEAD_SECONDS, on_notify={}, lock=lead):
            await self._deliver_all()

    async def step(self, endpoint: Endpoint) -> int:
        """
        Take what is new and deliver what is due to one webhook.

        Returns:
            How much there was to do; 0 if nothing.
        """
        queue = Queue(self.service, self.pool, endpoint)
        taken = await queue.fill(self.clock())
        if queue.has_failed:
            # A former process may have ended between writing that down and saying so.
            await self._stop(endpoint, "exhausted")
            return 0
        due = await queue.due(self.clock(), AT_ONCE)
        if not due:
            return taken
        bodies = await self._bodies(endpoint, due)
        secrets = await self._secrets(endpoint)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._try(endpoint, each, body, secrets))
                for each, body in zip(due, bodies, strict=True)
            ]
        tried = [task.result() for task in tasks]
        await queue.settle(tried, self.clock())
        if any(each.verdict.is_gone for each in tried):
            await self._stop(endpoint, "gone")
        elif any(each.state == "failed" for each in tried):
            await self._stop(endpoint, "exhausted")
        return taken + len(tried)

    async def endpoints(self) -> dict[tuple[TenantId, UUID], Endpoint]:
        """Return all webhooks to which something is to be delivered."""
        rows = await self.pool.fetch(load("rapport_chassis", "webhooks/active"))
        found = [endpoint_of(tuple(row)) for row in rows]
        return {(endpoint.tenant, endpoint.webhook_id): endpoint for endpoint in found}

    async def _deliver_all(self) -> None:
        """Keep one task for each webhook, so that none waits for another's receiver."""
        tasks: dict[Endpoint, asyncio.Task[None]] = {}
        tidied_at = float("-inf")
        async with asyncio.TaskGroup() as group:
            while True:
                wanted = set((await self.endpoints()).values())
                for endpoint in tasks.keys() - wanted:
                    tasks.pop(endpoint).cancel()
                for endpoint in wanted - tasks.keys():
                    tasks[endpoint] = group.create_task(self._serve(endpoint))
                if asyncio.get_running_loop().time() - tidied_at >= _TIDY_SECONDS:
                    tidied_at = asyncio.get_running_loop().time()
                    await self.pool.execute(load("rapport_chassis", "webhooks/forget"), self.clock() - KEPT, _ROWS_MAX)
                await asyncio.sleep(_LOOK_SECONDS)

    async def _serve(self, endpoint: Endpoint) -> None:
        while True:
            worked = 0
            try:
                worked = await self.step(endpoint)
            except (KeyringAway, LedgerShut) as away:
                log.warning("webhook_waits", service=self.service, error=type(away).__name__)
            if not worked:
                await asyncio.sleep(_LOOK_SECONDS)

    async def _bodies(self, endpoint: Endpoint, due: list[Due]) -> list[bytes]:
        if not endpoint.is_open:
            return [to_structured(each.event) for each in due]
        wanted = {key for each in due for key in key_ids(each.event.data)}
        keys = await self.keyring.open_keys(endpoint.tenant, wanted) if wanted else {}
        return [to_structured(each.event, open_data(each.event, keys)) for each in due]

    async def _secrets(self, endpoint: Endpoint) -> list[bytes]:
        keys = await self.keyring.tenant_keys(endpoint.tenant)
        return [secret_of(keys, endpoint.webhook_id, each) for each in endpoint.secret_versions(self.clock())]

    async def _try(self, endpoint: Endpoint, due: Due, body: bytes, secrets: list[bytes]) -> Tried:
        now = self.clock()
        headers = headers_of(str(due.event.event_id), int(now.timestamp()), body, secrets)
        headers |= {"Content-Type": MEDIA_TYPE, "User-Agent": "Rapport"}
        verdict = await self.sender.post(endpoint.address, headers, body)
        ATTEMPTED.labels(self.service, "delivered" if verdict.is_delivered else "refused").inc()
        if verdict.is_delivered:
            return Tried(due, verdict, "delivered", now)
        if due.attempts >= len(PAUSES):
            return Tried(due, verdict, "failed", now)
        return Tried(due, verdict, "pending", now + PAUSES[due.attempts])

    async def _stop(self, endpoint: Endpoint, reason: str) -> None:
        """Say that the receiver takes nothing; an operator must look at it."""
        STOPPED.labels(self.service, reason).inc()
        log.error("webhook_stopped", service=self.service, tenant=endpoint.tenant, cause=reason)
        command = StopWebhook.model_validate({"webhook": endpoint.webhook_id, "reason": reason})
        async with PostgresLedger(service=self.service, keeper=self.pool) as ledger:
            await Executor(ledger, self.keyring).execute(
                [Request(endpoint.tenant, "webhooks", STOP, command, correlation_id=str(uuid4()))]
            )
