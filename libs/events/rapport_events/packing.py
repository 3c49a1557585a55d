"""Requests as the columns that the append function takes, and its rows as outcomes."""

from collections.abc import Iterable, Sequence

import asyncpg

from rapport_events.ids import PARTITIONS, TenantId, partition_of_key, partition_of_stream, partition_of_subject
from rapport_events.ledger import (
    ANY,
    Append,
    Appended,
    CauseAhead,
    ClaimRef,
    ClaimTaken,
    FactKnown,
    KeyReused,
    Outcome,
    Place,
    ReferenceUnknown,
    StreamAppend,
    VersionConflict,
)

REQUESTS_MAX = 1_000
WITHIN_MAX = 10_000
"""Requests in a reader's transaction: one batch may lead to many."""
DATA_BYTES_MAX = 256 * 1024
DIGEST_BYTES = 16
Request = tuple[TenantId, Append]
Column = list[object]
_Rows = list[tuple[object, ...]]

_PLAIN: dict[str, Outcome] = {"key_reused": KeyReused(), "unknown": ReferenceUnknown(), "ahead": CauseAhead()}


def check(requests: Sequence[Request], requests_max: int = REQUESTS_MAX) -> None:
    """
    Refuse what must never reach a ledger.

    Raises:
        ValueError: There is no request or too many, or one of them is not in order.
    """
    if not 0 < len(requests) <= requests_max:
        msg = f"{len(requests)} requests: an append has 1 to {requests_max}"
        raise ValueError(msg)
    for tenant, request in requests:
        _check_request(tenant, request)


def fits(request: Append) -> bool:
    """Say whether each event is small enough."""
    return all(len(event.data) <= DATA_BYTES_MAX for stream in request.streams for event in stream.events)


def _check_request(tenant: TenantId, request: Append) -> None:
    """
    Refuse a request that is not in order.

    Raises:
        ValueError: A stream and its subject lie in different partitions, an event exceeds 256 KiB, a part is missing.
    """
    if not tenant or not request.streams:
        msg = "a request has a tenant and at least one stream"
        raise ValueError(msg)
    for stream in request.streams:
        _check_stream(tenant, stream)
    made = {event.event_id for stream in request.streams for event in stream.events}
    for claim in request.claims:
        if claim.event_id not in made or len(claim.ref.digest) != DIGEST_BYTES:
            msg = f"a claim ({claim.ref.kind}) names an event of its request by a digest of {DIGEST_BYTES} bytes"
            raise ValueError(msg)


def _check_stream(tenant: TenantId, stream: StreamAppend) -> None:
    if not 0 <= stream.partition < PARTITIONS or stream.expected < ANY or not stream.events:
        msg = f"{stream.stream}: a stream has a partition, an expected version and events"
        raise ValueError(msg)
    name = stream.stream
    if isinstance(name, str) and partition_of_stream(tenant, name) != stream.partition:
        msg = f"{name} does not lie in partition {stream.partition}"
        raise ValueError(msg)
    for event in stream.events:
        subject = event.subject
        home = (
            partition_of_subject(tenant, name, subject) if isinstance(name, str) else partition_of_key(tenant, subject)
        )
        if home != stream.partition:
            msg = f"{name} and its subject {subject} lie in different partitions: {stream.partition} and {home}"
            raise ValueError(msg)
        if len(event.data) > DATA_BYTES_MAX:
            msg = f"{event.type}: {len(event.data)} bytes of data are more than {DATA_BYTES_MAX}"
            raise ValueError(msg)


def pack(requests: Iterable[Request]) -> tuple[Column, ...]:
    """Lay requests out as the parameters of `append`: columns of requests, streams, events and claims."""
    r_rows: _Rows = []
    s_rows: _Rows = []
    e_rows: _Rows = []
    c_rows: _Rows = []
    for tenant, request in requests:
        key = request.key
        r_rows.append((tenant, key.digest, key.fingerprint) if key else (tenant, None, None))
        number = len(r_rows)
        for stream in request.streams:
            name = stream.stream
            named = (None, name.kind, name.digest) if isinstance(name, ClaimRef) else (name, None, None)
            s_rows.append((number, stream.partition, *named, stream.expected))
            row = len(s_rows)
            e_rows.extend(
                (
                    *(row, event.event_id, event.type, event.schema, event.subject, event.data.decode(), event.meta),
                    *(event.occurred_at, event.caused_at),
                )
                for event in stream.events
            )
        c_rows.extend(
            (number, claim.ref.kind, claim.ref.digest, claim.is_fact, claim.stream or None, claim.event_id)
            for claim in request.claims
        )
    return (*_columns(r_rows, 3), *_columns(s_rows, 6), *_columns(e_rows, 9), *_columns(c_rows, 6))


def _columns(rows: _Rows, width: int) -> list[Column]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def unpack(rows: Sequence[asyncpg.Record], count: int) -> list[Outcome]:
    """Return the outcome of each of `count` requests from the rows that `append` answered."""
    found = [list[asyncpg.Record]() for _ in range(count)]
    for row in rows:
        number: int = row["request"]
        found[number - 1].append(row)
    return [_outcome(answer) for answer in found]


def _outcome(rows: list[asyncpg.Record]) -> Outcome:
    first = rows[0]
    holder = (first["stream"], first["event_id"])
    match first["outcome"]:
        case "appended" | "repeated" as kind:
            places = tuple(Place(row["partition"], row["position"], row["version"]) for row in rows)
            return Appended(places, repeated=kind == "repeated")
        case "conflict":
            return VersionConflict(tuple(row["version"] for row in rows))
        case "fact_known" | "claim_taken" as kind:
            return FactKnown(*holder) if kind == "fact_known" else ClaimTaken(*holder)
        case kind:
            return _PLAIN[kind]
