"""Given, when, then: for decisions, for reactions and for views."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from rapport_events.codec import encode, schema_of, source_of, type_of
from rapport_events.command import Command, Handler, Occasion
from rapport_events.contracts.base import Event
from rapport_events.envelope import Meta, Recorded, to_headers
from rapport_events.errors import Refusal
from rapport_events.ids import EventId, TenantId, new_id, partition_of_stream
from rapport_events.keyring import SealKey
from rapport_events.view import Arrived, View

C = TypeVar("C", bound=Command)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TENANT = TenantId("acme")
ANN = UUID("00000000-0000-8000-8000-00000000a000")
BOB = UUID("00000000-0000-8000-8000-00000000b000")
CLEO = UUID("00000000-0000-8000-8000-00000000c000")
THING = UUID("01920000-0000-7000-8000-000000000000")
"""The stream that a decision is made in, unless a test says otherwise."""


_OCCASION = Occasion(tenant=TENANT, subject=str(ANN), id=THING, at=NOON, now=NOON)


@dataclass(frozen=True, slots=True)
class Deciding(Generic[C]):
    """A decision under test: `Deciding(HANDLER).given(events).when(command).then(events)`."""

    handler: Handler[C, Any]
    history: tuple[Event, ...] = ()
    wish: C | None = None
    occasion: Occasion = _OCCASION

    def given(self, *events: Event) -> "Deciding[C]":
        """Say what has happened in the stream."""
        return replace(self, history=events)

    def about(self, customer: UUID) -> "Deciding[C]":
        """Say whom the stream is about; Ann where nothing is said."""
        return replace(self, occasion=replace(self.occasion, subject=str(customer)))

    def when(self, command: C) -> "Deciding[C]":
        """Say what is wished."""
        return replace(self, wish=command)

    def decided(self) -> list[Event]:
        """Fold the history and decide."""
        assert self.wish is not None, "say .when(command) first"
        state = self.handler.initial
        for event in self.history:
            state = self.handler.evolve(state, event)
        return list(self.handler.decide(self.wish, state, replace(self.occasion, at=self.wish.at or NOON)))

    def then(self, *events: Event) -> None:
        """Expect exactly these events."""
        assert self.decided() == list(events)

    def then_nothing(self) -> None:
        """Expect that the wish is no news."""
        assert self.decided() == []

    def then_refuses(self, refusal: type[Refusal]) -> Refusal:
        """Expect this refusal, and return it for a look at its facts."""
        try:
            decided = self.decided()
        except Refusal as refused:
            assert type(refused) is refusal, f"refused with {refused.code}"
            return refused
        msg = f"granted: {decided}"
        raise AssertionError(msg)


def recorded(
    event: Event,
    *,
    stream: str,
    position: int,
    version: int = 1,
    subject: str | None = None,
    tenant: TenantId = TENANT,
    at: datetime = NOON,
    recorded_at: datetime | None = None,
    key: SealKey | None = None,
    source: str | None = None,
) -> Recorded:
    """Make a recorded event as a ledger would hold it; where nothing else is said, it is learned of at once."""
    event_id = EventId(new_id())
    return Recorded(
        source=source or source_of(type(event))[0],
        era=1,
        partition=partition_of_stream(tenant, stream),
        position=position,
        tenant=tenant,
        stream=stream,
        version=version,
        event_id=event_id,
        type=type_of(type(event)),
        schema=schema_of(type(event)),
        subject=subject or stream[-36:],
        data=encode(event, tenant=tenant, event_id=event_id, key=key),
        meta=Meta(actor="test", correlation_id=str(event_id)),
        occurred_at=at,
        recorded_at=recorded_at or at,
    )


def arrived(event: Recorded) -> Arrived:
    """Make of a recorded event the record that a reader would get."""
    headers = dict(to_headers(event))
    return Arrived(event.source, event.era, event.partition, event.position, event.type, headers, event.data)


class Lines:
    """Numbers events as a ledger does: one line for each source and partition, one version for each stream."""

    def __init__(self) -> None:
        self._positions: dict[tuple[str, int], int] = {}
        self._versions: dict[tuple[TenantId, str], int] = {}

    def next(self, event: Event, *, stream: str, tenant: TenantId = TENANT, **rest: Any) -> Recorded:
        """Record the next event of a stream."""
        source = rest.get("source") or source_of(type(event))[0]
        line, thing = (source, partition_of_stream(tenant, stream)), (tenant, stream)
        self._positions[line] = self._positions.get(line, 0) + 1
        self._versions[thing] = self._versions.get(thing, 0) + 1
        return recorded(
            event,
            stream=stream,
            tenant=tenant,
            position=self._positions[line],
            version=self._versions[thing],
            **rest,
        )


async def fold(view: View[Any, Any], connection: Any, events: Sequence[Recorded]) -> None:
    """Let a view fold recorded events of the types that it reads, in one transaction, without checkpoint."""
    facts = [view.decode(arrived(event)) for event in events if view.concerns(event.type)]
    async with connection.transaction():
        await view.apply(connection, facts)  # type: ignore[arg-type]  # an unreadable one fails in the fold, as it should


class VirtualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the moment."""
        return self.now

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by
