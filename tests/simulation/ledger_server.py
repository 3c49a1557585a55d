"""The database of a service that keeps a ledger: its rows, and what the mirror asks of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from rapport_events.envelope import Recorded
from rapport_events.ids import TenantId
from rapport_events.ledger import Append, LedgerShut, LedgerState, Outcome
from rapport_events.memory_ledger import MemoryLedger
from rapport_events.statements import load
from rapport_events.testing import NOON
from tests.simulation.database import Answer, Database, Key, Row, Statement, Transaction
from tests.simulation.nature import Nature, Process

ERA_BELIEVED_SECONDS: Final = 5.0
_LEDGER: Final = ()


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup of a ledger's database holds."""

    tables: Mapping[str, Mapping[Key, Row]]
    partitions: Sequence[Any]
    streams: Mapping[Any, Any]
    commands: Mapping[Any, Any]


class Rows(MemoryLedger):
    """The rows of a ledger, which can be looked at, and set back to a backup."""

    def line(self, partition: int) -> list[Recorded]:
        """Return a partition's events."""
        return self._partitions[partition].events

    @property
    def heads(self) -> list[int]:
        """The last position of each partition."""
        return [len(partition.events) for partition in self._partitions]

    def keep(self, tables: Mapping[str, Mapping[Key, Row]]) -> Backup:
        """Take a backup, together with that of the other tables."""
        return Backup(
            tables,
            [(list(partition.events), partition.last_at) for partition in self._partitions],
            {name: list(events) for name, events in self._streams.items()},
            dict(self._commands),
        )

    def restore(self, backup: Backup) -> None:
        """Go back to a backup."""
        for partition, (events, last_at) in zip(self._partitions, backup.partitions, strict=True):
            partition.events, partition.last_at = list(events), last_at
        self._streams = {name: list(events) for name, events in backup.streams.items()}
        self._commands = dict(backup.commands)

    def begin_era(self, era: int) -> None:
        """Record what comes in another era."""
        self._era = era


class LedgerServer:
    """One ledger on its server, which can be killed, started again, and restored from a backup."""

    def __init__(self, nature: Nature, service: str, clock: Callable[[], float]) -> None:
        self.service = service
        self._now = clock
        self.memory = Rows(service=service, clock=lambda: NOON + timedelta(seconds=clock()))
        self.database = Database(nature, service, self._statements())
        self.timeline = 1
        self.database.tables["ledger"][_LEDGER] = Row(
            era=1,
            is_open=True,
            system_identifier=None,
            timeline=None,
            server_started_at=None,
            era_began_at=None,
            shut_reason=None,
        )

    @property
    def era(self) -> int:
        """The era that it is in."""
        return int(self.row["era"])

    @property
    def row(self) -> Row:
        """The one row of the table `ledger`."""
        return self.database.tables["ledger"][_LEDGER]

    @property
    def heads(self) -> list[int]:
        """The last position of each partition."""
        return self.memory.heads

    @property
    def takes_appends(self) -> bool:
        """Whether it is open on a server that was compared."""
        return bool(self.row["is_open"]) and self.row["server_started_at"] == self.database.starts

    async def append(self, process: Process, tenant: TenantId, requests: Sequence[Append]) -> list[Outcome]:
        """
        Append as a service's process does.

        Raises:
            OSError, PostgresConnectionError: The database is away; the events may be there or not.
            LedgerShut: It takes no appends.
        """
        database = self.database
        await process.takes()
        connection = database.connect(process)
        try:
            self.check_open()
            outcomes = await self.memory.append(tenant, requests)
            database.nature.note(process.name, "appended", outcomes)
            await process.takes()
            connection.check()
            return outcomes
        finally:
            connection.cut()

    def check_open(self) -> None:
        """
        Refuse appends.

        Raises:
            LedgerShut: It takes none.
        """
        if not self.takes_appends:
            raise LedgerShut

    def state(self) -> LedgerState:
        """Return what `GET /v1/ledger` answers."""
        told = self.database.tables["mirror_reach"].get(_LEDGER)
        reach = told["reach"] if told is not None and told["era"] == self.era else [0] * 32
        return LedgerState(self.era, self.takes_appends, tuple(self.heads), tuple(reach))

    def keep(self) -> Backup:
        """Take a backup."""
        return self.memory.keep(self.database.keep())

    def restore(self, backup: Backup, *, keeps_timeline: bool = False) -> None:
        """Go back to a backup; call it while the server is stopped."""
        self.database.restore(backup.tables)
        self.memory.restore(backup)
        if not keeps_timeline:
            self.timeline += 1

    def notify(self, channel: str, payload: str = "") -> None:
        """Tell those who listen."""
        for connection in list(self.database.connections):
            tell = connection.hears.get(channel)
            if tell is not None:
                tell(connection, 0, channel, payload)

    @property
    def needs_operator(self) -> bool:
        """Whether it will not open by itself."""
        return not self.row["is_open"] or (self.row["shut_reason"] is not None and not self.takes_appends)

    def begin_era(self, era: int) -> None:
        """Raise the era of a ledger, as `rapport ledger new-era` does."""
        self.row.update(era=era, is_open=True, server_started_at=None, era_began_at=self._now())
        self.row.update(system_identifier=None, timeline=None, shut_reason=None)
        self.memory.begin_era(era)

    def _statements(self) -> dict[str, tuple[str, Statement]]:
        plain: dict[str, Callable[..., Answer]] = {
            "mirror/beat": _beat,
            "mirror/commits": _commits,
            "mirror/glance": self._glance,
            "mirror/held": self._held,
            "mirror/marks": self._marks,
            "mirror/rows": self._rows,
            "mirror/lead": _lead,
            "mirror/resend": self._resend,
            "ledger/remembered": self._remembered,
            "ledger/server_identity": self._server,
            "ledger/reopen": self._reopen,
            "ledger/shut": self._shut,
            "ledger/note_shut": self._note_shut,
        }
        waiting: dict[str, Statement] = {"mirror/keep_marks": _keep_marks, "mirror/tell_reach": _tell_reach}
        named = {name: _as_statement(act) for name, act in plain.items()} | waiting
        return {load("rapport_events", name): (name, act) for name, act in named.items()}

    def _remembered(self, _: Transaction) -> Answer:
        return Answer([self.row])

    def _server(self, _: Transaction) -> Answer:
        return Answer([Row(system_identifier=1, timeline=self.timeline, started_at=self.database.starts)])

    def _glance(self, _: Transaction) -> Answer:
        is_compared = self.row["server_started_at"] == self.database.starts
        return Answer([Row(era=self.era, heads=self.heads, is_compared=is_compared)])

    def _held(self, _: Transaction, partitions: Sequence[int], firsts: Sequence[int], lasts: Sequence[int]) -> Answer:
        rows: list[Row] = []
        for partition, first, last in zip(partitions, firsts, lasts, strict=True):
            events = self.memory.line(partition)[first - 1 : last]
            rows.append(Row(partition=partition, first=first, ids=[str(event.event_id) for event in events]))
        return Answer(rows)

    def _rows(
        self, _: Transaction, partitions: Sequence[int], afters: Sequence[int], share: int, size: int, era: int
    ) -> Answer:
        if era != self.era or self.row["server_started_at"] != self.database.starts:
            return Answer()
        rows: list[Row] = []
        for partition, after in zip(partitions, afters, strict=True):
            events = self.memory.line(partition)[after : after + share]
            rows += [
                Row(
                    partition=partition,
                    position=event.position,
                    tenant_id=event.tenant,
                    stream=event.stream,
                    version=event.version,
                    event_id=event.event_id,
                    type=event.type,
                    schema=event.schema,
                    subject=event.subject,
                    data=event.data,
                    meta=event.meta.to_json(),
                    occurred_at=event.occurred_at,
                    recorded_at=event.recorded_at,
                )
                for event in events
            ]
        return Answer(rows)

    def _marks(self, transaction: Transaction, era: int) -> Answer:
        rows = transaction.scan("mirror_marks").values()
        names = ("partition", "record_offset", "position", "event_id")
        return Answer([Row({name: row[name] for name in names}) for row in rows if row["era"] == era])

    def _resend(self, _: Transaction, partition: int, after: int) -> Answer:
        self.notify("rapport_resend", f"{partition}:{after}")
        return Answer()

    def _reopen(
        self, _: Transaction, system_identifier: int, timeline: int, started_at: int, believed_seconds: float
    ) -> Answer:
        row, began_at = self.row, self.row["era_began_at"]
        if started_at != self.database.starts or (began_at is not None and self._now() < began_at + believed_seconds):
            return Answer()
        row.update(is_open=True, system_identifier=system_identifier, timeline=timeline, server_started_at=started_at)
        row["shut_reason"] = None
        return Answer([Row(era=row["era"])], 1)

    def _shut(self, _: Transaction) -> Answer:
        self.row["is_open"] = False
        return Answer()

    def _note_shut(self, _: Transaction, reason: str, detail: str) -> Answer:
        if not self.takes_appends:
            self.row["shut_reason"] = reason
        return Answer()


def _as_statement(act: Callable[..., Answer]) -> Statement:
    async def statement(transaction: Transaction, *values: object) -> Answer:
        return act(transaction, *values)

    return statement


def _beat(_: Transaction) -> Answer:
    return Answer([Row(beat=True)])


def _commits(_: Transaction) -> Answer:
    return Answer([Row(are_on_disk=True, are_on_standby=False)])


def _lead(transaction: Transaction) -> Answer:
    connection = transaction.connection
    holder = transaction.database.advisory.setdefault(7102, connection)
    return Answer([Row(leads=holder is connection)])


async def _keep_marks(transaction: Transaction, era: int, partitions: Sequence[int], *columns: Sequence[Any]) -> Answer:
    names = ("partition", "record_offset", "position", "event_id")
    for key, row in transaction.scan("mirror_marks").items():
        if row["era"] == era and row["partition"] in partitions:
            transaction.put("mirror_marks", key, None)
    for values in zip(*columns, strict=True):
        transaction.put("mirror_marks", (era, *values), Row(era=era, **dict(zip(names, values, strict=True))))
    return Answer(count=1)


async def _tell_reach(transaction: Transaction, era: int, reach: list[int]) -> Answer:
    before = transaction.get("mirror_reach", _LEDGER)
    if before is not None and (before["era"], before["reach"]) == (era, reach):
        return Answer()
    transaction.put("mirror_reach", _LEDGER, Row(era=era, reach=reach))
    return Answer(count=1)
