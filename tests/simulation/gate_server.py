"""What the gate for effects asks of its service's database: due effects, leases, receipts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from rapport_events.effects import effect_claim
from rapport_events.ids import EventId, TenantId
from rapport_events.ledger import (
    Append,
    Appended,
    Claim,
    ClaimRef,
    CommandKey,
    FactKnown,
    NewEvent,
    Outcome,
    StreamAppend,
    VersionConflict,
)
from rapport_events.statements import load, load_rebuild
from tests.simulation.database import Answer, Row, Statement, Transaction
from tests.simulation.ledger_server import LedgerServer

_EFFECT: Final = (
    *("tenant_id", "effect_key", "kind", "subject", "stream", "version", "event_id", "decision", "correlation_id"),
    "recorded_at",
)


class GateServer:
    """The statements of a gate, over a ledger's database."""

    def __init__(self, ledger: LedgerServer, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._now = now

    def statements(self) -> Mapping[str, tuple[str, Statement]]:
        """Return them by text."""
        gate: dict[str, Statement] = {
            "effects/take": self._take,
            "effects/give_back": self._give_back,
            "effects/version": self._version,
            "ledger/append": self._append,
        }
        view: dict[str, Statement] = {"effects/set": _set, "effects/drop": _drop}
        return {load("rapport_events", name): (name, act) for name, act in gate.items()} | {
            load_rebuild("rapport_events", name, 1): (name, act) for name, act in view.items()
        }

    async def _take(
        self, transaction: Transaction, kinds: Sequence[str], now: datetime, limit: int, lease_seconds: float
    ) -> Answer:
        rows: list[Row] = []
        due = sorted(transaction.scan("effects").items(), key=lambda item: (item[1]["recorded_at"], item[0][1].int))
        for key, effect in due:
            lease = transaction.get("leases", key)
            is_leased = lease is not None and (
                lease["until"] > self._now() or (lease["not_before"] is not None and lease["not_before"] > now)
            )
            if effect["kind"] not in kinds or is_leased or len(rows) == limit:
                continue
            if ("effects", key) in transaction.database.locks:
                continue
            await transaction.lock("effects", key)
            attempts = lease["attempts"] + 1 if lease is not None else 1
            not_before = lease["not_before"] if lease is not None else None
            until = self._now() + timedelta(seconds=lease_seconds)
            transaction.put("leases", key, Row(until=until, attempts=attempts, not_before=not_before))
            [claim] = await self._ledger.memory.find(effect["tenant_id"], [effect_claim(effect["effect_key"])])
            rows.append(Row(effect, attempts=attempts, performed_in=claim.stream if claim else None))
        return Answer(rows, len(rows))

    async def _give_back(self, transaction: Transaction, tenant: str, thing: object, not_before: datetime) -> Answer:
        await transaction.lock("leases", (tenant, thing))
        lease = transaction.get("leases", (tenant, thing))
        if lease is None:
            return Answer()
        transaction.put("leases", (tenant, thing), Row(lease, until=self._now(), not_before=not_before))
        return Answer(count=1)

    async def _version(self, _: Transaction, tenant: TenantId, stream: str, _partition: int) -> Answer:
        found = await self._ledger.memory.read_streams(tenant, [stream])
        return Answer([Row(version=len(found[stream]))])

    async def _append(self, _: Transaction, *columns: Sequence[Any]) -> Answer:
        self._ledger.check_open()
        rows: list[Row] = []
        for number, (tenant, request) in enumerate(_requests(columns), 1):
            [outcome] = await self._ledger.memory.append(tenant, [request])
            rows += _rows(number, request, outcome)
        return Answer(rows, 1)


def _requests(columns: Sequence[Sequence[Any]]) -> list[tuple[TenantId, Append]]:
    """Read requests from the columns in which `packing.pack` lays them out."""
    r_rows, s_rows, e_rows, c_rows = (
        list(zip(*columns[first:last], strict=True)) for first, last in ((0, 3), (3, 9), (9, 18), (18, 24))
    )
    found: list[tuple[TenantId, Append]] = []
    for number, (tenant, digest, fingerprint) in enumerate(r_rows, 1):
        streams: list[StreamAppend] = []
        for row, (request, partition, name, _, _, expected) in enumerate(s_rows, 1):
            if request == number:
                events = tuple(_event(each) for each in e_rows if each[0] == row)
                streams.append(StreamAppend(name, partition, expected, events))
        claims = tuple(
            Claim(ClaimRef(kind, claimed), stream or "", EventId(event_id), is_fact=is_fact)
            for request, kind, claimed, is_fact, stream, event_id in c_rows
            if request == number
        )
        key = CommandKey(digest, fingerprint) if digest is not None else None
        found.append((tenant, Append(tuple(streams), key, claims)))
    return found


def _event(row: Sequence[Any]) -> NewEvent:
    _, event_id, type_, schema, subject, data, meta, occurred_at, caused_at = row
    return NewEvent(EventId(event_id), type_, schema, subject, data.encode(), meta, occurred_at, caused_at)


def _rows(number: int, request: Append, outcome: Outcome) -> list[Row]:
    """Say an outcome as the append function does."""
    match outcome:
        case Appended(places, repeated):
            kind = "repeated" if repeated else "appended"
            at = [(place.partition, place.position, place.version) for place in places]
            return [_row(number, kind, *each) for each in at]
        case VersionConflict(versions):
            partitions = [stream.partition for stream in request.streams]
            return [_row(number, "conflict", *each) for each in zip(partitions, versions, versions, strict=True)]
        case FactKnown(stream, event_id):
            return [Row(_row(number, "fact_known", None, None, None), stream=stream, event_id=event_id)]
        case _:
            raise NotImplementedError(outcome)


def _row(number: int, outcome: str, partition: int | None, position: int | None, version: int | None) -> Row:
    return Row(
        request=number,
        outcome=outcome,
        partition=partition,
        position=position,
        version=version,
        stream=None,
        event_id=None,
    )


async def _set(transaction: Transaction, *columns: Sequence[Any]) -> Answer:
    for values in zip(*columns, strict=True):
        key = values[:2]
        await transaction.lock("effects", key)
        if transaction.get("effects", key) is None:
            transaction.put("effects", key, Row(zip(_EFFECT, values, strict=True)))
    return Answer(count=len(columns[0]))


async def _drop(transaction: Transaction, tenants: Sequence[str], keys: Sequence[Any]) -> Answer:
    for key in zip(tenants, keys, strict=True):
        await transaction.lock("effects", key)
        transaction.put("effects", key, None)
    return Answer(count=len(tenants))
