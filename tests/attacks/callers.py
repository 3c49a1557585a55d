"""Those who call at a house: each remembers what it was told, so that it can be held against what is there."""

from dataclasses import dataclass, field

import asyncpg
import httpx

from rapport_cli.verifying.checker import Entry, Findings, check_ledger, check_place
from rapport_cli.verifying.history import Operation, Told
from tests.chassis.houses import House
from tests.waiting import until

START_SECONDS = 40


@dataclass
class Callers:
    """Callers of a house, and their history."""

    house: House
    told: Told = field(default_factory=Told)

    async def buy(self, operation: str, customer: str = "ann") -> httpx.Response | None:
        """Let a customer buy something under the operation's key; None where no answer came."""
        self.told.operations.setdefault(operation, Operation(operation))
        wish = {"customer": {"system": "shop", "external_id": customer}, "total": "2.50"}
        headers = {"Idempotency-Key": operation, "X-Correlation-Id": operation}
        async with self.house.client() as client:
            try:
                answer = await client.post("/v1/purchases", json=wish, headers=headers)
            except httpx.TransportError:
                return None
        assert answer.status_code == 201, answer.text
        self.told.operations[operation] = Operation(operation, "ok", tuple(answer.json()["event_ids"]))
        return answer

    async def takes_commands(self) -> bool:
        """Say whether the ledger is open."""
        async with self.house.client() as client:
            try:
                answer = await client.get("/v1/ledger")
            except httpx.TransportError:
                return False
        return answer.status_code == 200 and bool(answer.json()["open"])

    async def until_open(self) -> None:
        """Wait until commands are taken."""
        await until(self.takes_commands, seconds=START_SECONDS, what="the ledger is open")

    async def until_shown(self) -> None:
        """Wait until the read model has come to the head of the ledger."""

        async def is_shown() -> bool:
            rows = await self.fetch(
                """SELECT count(*) = 0 AS is_shown
                     FROM (SELECT partition, max(position) AS head FROM events GROUP BY partition) AS l
                     LEFT JOIN checkpoints AS c ON c.partition = l.partition AND c.reader = 'sums_v1_r1'
                    WHERE coalesce(c.position, 0) < l.head"""
            )
            return bool(rows[0]["is_shown"])

        await until(is_shown, seconds=START_SECONDS, what="the read model stands at the head")

    async def findings(self) -> list[Findings]:
        """Hold ledger and read model against what callers were told; the read model may be empty where none is kept."""
        ledger, found = await self.ledger(), await self.read_model()
        return [check_ledger(self.told, ledger), *([check_place(ledger, found, "sums")] if found else ())]

    async def read_model(self) -> list[Entry]:
        """Return what was folded, customer by customer, in the order in which it was."""
        rows = await self.fetch(
            """SELECT e.event_id, s.tenant_id, s.customer, t.position
                 FROM sums_v1_r1 AS s
                CROSS JOIN unnest(s.seen) WITH ORDINALITY AS t (position, nth)
                 LEFT JOIN events AS e
                   ON e.position = t.position AND e.tenant_id = s.tenant_id AND e.subject = s.customer::text
                ORDER BY s.customer, t.nth"""
        )
        return [Entry(str(row["event_id"]), f"{row['tenant_id']}:{row['customer']}", row["position"]) for row in rows]

    async def ledger(self) -> list[Entry]:
        """Return what is recorded."""
        rows = await self.fetch(
            """SELECT event_id, tenant_id, subject, position, meta ->> 'correlation' AS operation
                 FROM events ORDER BY partition, position"""
        )
        return [
            Entry(str(row["event_id"]), f"{row['tenant_id']}:{row['subject']}", row["position"], row["operation"])
            for row in rows
        ]

    async def folded(self) -> int:
        """Return how many purchases the read model counts."""
        [row] = await self.fetch("SELECT coalesce(sum(count), 0)::int AS folded FROM sums_v1_r1")
        return int(row["folded"])

    async def fetch(self, statement: str) -> list[asyncpg.Record]:
        """Look into the database."""
        connection = await asyncpg.connect(self.house.database.admin)
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()


def wrong(findings: list[Findings]) -> list[str]:
    """Return the alarms as sentences."""
    return [sentence for each in findings for sentence in each.examples]
