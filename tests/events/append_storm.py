"""One process of a storm: random appends, each written to a log before it is sent and after it is answered."""

import asyncio
import random
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import orjson

from rapport_events.database import open_pool
from rapport_events.faults import is_away
from rapport_events.ids import EventId, TenantId, new_id
from rapport_events.ledger import (
    ANY,
    EXISTS,
    NONE,
    Append,
    Appended,
    CommandKey,
    NewEvent,
    Outcome,
    StreamAppend,
    VersionConflict,
)
from rapport_events.postgres_ledger import PostgresLedger, append_within
from tests.events.appends import META, NOON, digest, request, subject_in

STREAMS, KEYS, CLAIMS = 200, 2_000, 1_500
TENANTS = (TenantId("acme"), TenantId("globex"))


def shared_stream(number: int) -> str:
    """Name one of the streams that all processes append to."""
    return f"purchase-{UUID(int=0x7 << 76 | 0x2 << 62 | number << 8 | number % 32)}"


class Storm:
    """Makes requests, remembers what it was told, and keeps the log."""

    def __init__(self, name: str, log: Path, end: Path) -> None:
        self.random = random.Random(name)  # noqa: S311 - a repeatable storm, no secret
        self._name = name
        self._end = end
        self._log = log.open("ab", buffering=0)
        self._count = 0
        self._heads: defaultdict[tuple[str, str], int] = defaultdict(int)

    def is_over(self) -> bool:
        """Say whether somebody has made the file that ends the storm."""
        return self._end.exists()

    def make(self) -> tuple[TenantId, str, Append]:
        """Make a request: one to three streams, sometimes shared, with a key, and sometimes with claims."""
        self._count += 1
        tenant, label = self.random.choice(TENANTS), f"{self._name}/{self._count}"
        streams: dict[str, StreamAppend] = {}
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            stream = self._stream(tenant, label)
            streams[str(stream.stream)] = stream
        word = f"k{self.random.randrange(KEYS)}" if self.random.random() < 0.25 else label
        body = "another" if word != label and self.random.random() < 0.2 else word
        claims = {"facts": list[str](), "identities": list[str]()}
        for n in range(self.random.choice((0, 0, 1, 1, 2))):
            contested = f"c{self.random.randrange(CLAIMS)}"
            claims[self.random.choice(("facts", "identities"))].append(
                contested if self.random.random() < 0.5 else f"{label}/{n}"
            )
        key = CommandKey(digest(word), digest(body))
        facts, identities = (" ".join(claims[kind]) for kind in ("facts", "identities"))
        return tenant, label, request(*streams.values(), key=key, facts=facts, identities=identities)

    def _stream(self, tenant: TenantId, label: str) -> StreamAppend:
        if self.random.random() < 0.4:
            number = self.random.randrange(STREAMS)
            partition, stream = number % 32, shared_stream(number)
            head = self._heads[tenant, stream]
            expected = self.random.choice((ANY, EXISTS, head, head, head + 1))
        else:
            partition = self.random.randrange(32)
            stream, expected = f"purchase-{new_id(partition)}", self.random.choice((NONE, NONE, NONE, ANY))
        events = tuple(self._event(tenant, partition, label) for _ in range(self.random.choice((1, 1, 2, 3))))
        return StreamAppend(stream, partition, expected, events)

    def _event(self, tenant: TenantId, partition: int, label: str) -> NewEvent:
        caused_at = None
        if self.random.random() < 0.2:
            caused_at = datetime.now(UTC) + timedelta(milliseconds=self.random.randrange(-5, 40))
        return NewEvent(
            event_id=EventId(new_id()),
            type="crm.customer.purchased.v1",
            schema="1.0",
            subject=subject_in(partition, tenant),
            data=orjson.dumps({"label": label, "cause": caused_at}),
            meta=META,
            occurred_at=NOON,
            caused_at=caused_at,
        )

    def sent(self, label: str, appended: Append) -> None:
        """Note a request before it is sent, with the versions of its streams that were acknowledged so far."""
        self._log.write(orjson.dumps({"sent": label, "events": _ids(appended)}) + b"\n")

    def answered(self, tenant: TenantId, label: str, appended: Append, outcome: Outcome) -> None:
        """Note an answer."""
        if isinstance(outcome, Appended | VersionConflict):
            versions = (
                outcome.versions
                if isinstance(outcome, VersionConflict)
                else tuple(place.version for place in outcome.places)
            )
            if not (isinstance(outcome, Appended) and outcome.repeated):
                for stream, version in zip(appended.streams, versions, strict=True):
                    self._heads[tenant, str(stream.stream)] = version
        line = {
            "answered": label,
            "tenant": tenant,
            "outcome": type(outcome).__name__,
            "told": outcome,
            "key": appended.key,
            "streams": [(stream.stream, stream.partition, stream.expected) for stream in appended.streams],
            "events": _ids(appended),
            "claims": [(claim.ref.kind, claim.ref.digest.hex(), claim.is_fact) for claim in appended.claims],
        }
        self._log.write(orjson.dumps(line, default=_plain) + b"\n")


def _ids(appended: Append) -> list[list[str]]:
    return [[str(event.event_id) for event in stream.events] for stream in appended.streams]


def _plain(value: object) -> object:
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    return value.hex() if isinstance(value, bytes) else str(value)


async def grouped(storm: Storm, dsn: str, callers: int) -> None:
    """Append through the ledger, with many callers at once."""

    async def call(ledger: PostgresLedger) -> None:
        while not storm.is_over():
            tenant, label, appended = storm.make()
            storm.sent(label, appended)
            while True:
                try:
                    [outcome] = await ledger.append(tenant, [appended])
                except Exception as error:
                    if not is_away(error):
                        raise
                    continue
                storm.answered(tenant, label, appended, outcome)
                break

    async with (
        await open_pool(dsn, name="storm") as pool,
        PostgresLedger(service="interactions", app=pool) as ledger,
        asyncio.TaskGroup() as tasks,
    ):
        for _ in range(callers):
            tasks.create_task(call(ledger))


async def within(storm: Storm, dsn: str, callers: int) -> None:
    """Append as a reader does, inside transactions of its own; some are rolled back, some cancelled by the server."""
    connection = await asyncpg.connect(dsn, server_settings={"statement_timeout": "40"})
    while not storm.is_over():
        made = [storm.make() for _ in range(storm.random.randrange(1, callers + 1))]
        for _, label, appended in made:
            storm.sent(label, appended)
        transaction = connection.transaction()
        await transaction.start()
        try:
            outcomes = await append_within(connection, [(tenant, appended) for tenant, _, appended in made])
            if storm.random.random() < 0.1:
                await transaction.rollback()
                continue
            await transaction.commit()
        except asyncpg.QueryCanceledError:
            await transaction.rollback()
            continue
        for (tenant, label, appended), outcome in zip(made, outcomes, strict=True):
            storm.answered(tenant, label, appended, outcome)
    await connection.close()


if __name__ == "__main__":
    name, kind, dsn, log, end, callers = sys.argv[1:]
    runner = {"grouped": grouped, "within": within}[kind]
    asyncio.run(runner(Storm(name, Path(log), Path(end)), dsn, int(callers)))
