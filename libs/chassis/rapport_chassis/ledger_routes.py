"""The routes that every service with a ledger has: its state, sending again, one event, and its readers."""

import time
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from rapport_chassis.answers import answer_json
from rapport_chassis.desk import OPERATOR, AtDesk, Desk
from rapport_chassis.problems import Problem, Refused
from rapport_chassis.reading import Read
from rapport_chassis.standing import Checkpoint, Freshness
from rapport_events.cloudevents import attributes
from rapport_events.errors import Missing
from rapport_events.gate import read_condition
from rapport_events.ids import PARTITIONS, EventId
from rapport_events.remedies import explain, remedy
from rapport_events.statements import load

RESEND_SECONDS_MIN = 5
"""A partition is sent again at most this often."""
Partition = Annotated[int, Field(ge=0, lt=PARTITIONS)]

RESENT_JUST_NOW = Problem(
    503,
    "resent_just_now",
    "This partition was sent again a moment ago.",
    headers={"Retry-After": str(RESEND_SECONDS_MIN)},
)


class EventNotFound(Missing):
    """The ledger holds no such event of this tenant in that partition."""

    code = "event_not_found"


class Shut(BaseModel):
    """Why a ledger takes no appends, and what an operator can do."""

    reason: str | None
    """Code; null where the ledger opens by itself as soon as its mirror has compared it."""
    why: str
    what_to_do: str
    since: datetime | None
    """When the reason was found."""


class LedgerAnswer(BaseModel):
    """What a reader must know of a ledger."""

    era: int
    open: bool
    shut: Shut | None = None
    """Null where it is open."""
    heads: Annotated[list[int], Field(min_length=PARTITIONS, max_length=PARTITIONS)]
    """Last position of each partition; 0 where it is empty."""
    reach: Annotated[list[int], Field(min_length=PARTITIONS, max_length=PARTITIONS)]
    """Up to which position the topic holds everything, as the mirror said a second ago; 0 where it said nothing."""


class Resend(BaseModel):
    """Asks the mirror to send a partition again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: Partition
    after: Annotated[int, Field(ge=0, lt=2**63)]
    """The last position that the asker has."""


class ReaderLine(BaseModel):
    """Where a reader stands in one partition of one source."""

    source: str
    era: int
    partition: int
    position: int
    head: int | None
    """What the owner says; null while it does not answer."""
    lag: int | None
    moved_at: datetime


class ReaderState(BaseModel):
    """How far a read model has got."""

    reader: str
    view: str
    types: list[str] = Field(description="The types of events that it folds.")
    lag: int | None = Field(
        description="Head minus checkpoint over all partitions, in events; null if a head is unknown."
    )
    parked: int = Field(description="Records of this tenant that were set aside.")
    freshness: Freshness
    lines: list[ReaderLine]


class ReadersAnswer(BaseModel):
    """The state of all readers of a service."""

    service: str
    readers: list[ReaderState]


def ledger_router() -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["ledger"])
    router.add_api_route("/v1/ledger", get_ledger, operation_id="get_ledger")
    router.add_api_route("/v1/ledger/resend", resend, methods=["POST"], operation_id="resend", status_code=202)
    router.add_api_route("/v1/events/{event_id}", get_event, operation_id="get_event", response_model=dict[str, Any])
    router.add_api_route("/v1/readers", get_readers, operation_id="get_readers")
    return router


async def get_ledger(request: Request, desk: AtDesk) -> LedgerAnswer:
    """Tell the era, whether the ledger takes appends, and how far each partition goes."""
    await desk.admit_peer(request)
    state = await desk.store.ledger.state()
    shut = None if state.is_open else await _shut(desk)
    return LedgerAnswer(era=state.era, open=state.is_open, shut=shut, heads=list(state.heads), reach=list(state.reach))


async def _shut(desk: Desk) -> Shut | None:
    async with desk.store.pool.acquire() as connection:
        condition = await read_condition(connection)
    why, what_to_do = explain(condition), remedy(condition, desk.service.name)
    if why is None or what_to_do is None:
        return None
    reason = condition.reason if condition.needs_operator else None
    return Shut(reason=reason, why=why, what_to_do=what_to_do, since=condition.since)


async def resend(request: Request, desk: AtDesk, wish: Resend) -> None:
    """Have the mirror send a partition again from after a position; readers drop what they know."""
    await desk.admit_peer(request)
    now = time.monotonic()
    if now - desk.resent_at.get(wish.partition, float("-inf")) < RESEND_SECONDS_MIN:
        raise Refused(RESENT_JUST_NOW)
    desk.resent_at[wish.partition] = now
    await desk.store.pool.execute(load("rapport_events", "mirror/resend"), wish.partition, wish.after)


async def get_event(read: Read, event_id: UUID, partition: Annotated[int, Query(ge=0, lt=PARTITIONS)]) -> Response:
    """Show one event as the ledger holds it: a CloudEvent in JSON, personal values sealed."""
    event = await read.store.ledger.read_event(read.caller.tenant, EventId(event_id), partition)
    if event is None:
        raise EventNotFound(event_id=event_id, partition=partition)
    return answer_json(attributes(event))


async def get_readers(read: Read, desk: AtDesk) -> ReadersAnswer:
    """Tell how far each read model has got; single partitions only to operators."""
    checkpoints = await read.store.standing.checkpoints()
    live = {view.model: read.store.standing.live(view) for view in desk.service.views}
    async with read.rows() as connection:
        rows = await connection.fetch(load("rapport_chassis", "parked_counts"), list(live.values()))
    parked = {row["reader"]: row["parked"] for row in rows}
    readers: list[ReaderState] = []
    for view in desk.service.views:
        at = checkpoints.get(view.model, {})
        lines = [_line(desk, source, era, partition, each) for (source, era, partition), each in sorted(at.items())]
        lags = [line.lag for line in lines if line.lag is not None]
        readers.append(
            ReaderState(
                reader=live[view.model],
                view=view.name,
                types=view.types,
                lag=sum(lags) if len(lags) == len(lines) else None,
                parked=parked.get(live[view.model], 0),
                freshness=await read.freshness(view.name),
                lines=lines if OPERATOR in read.caller.scopes else [],
            )
        )
    return ReadersAnswer(service=desk.service.name, readers=readers)


def _line(desk: AtDesk, source: str, era: int, partition: int, at: Checkpoint) -> ReaderLine:
    state = desk.store.standing.newest(source)
    head = state.heads[partition] if state is not None and state.era == era else None
    return ReaderLine(
        source=source,
        era=era,
        partition=partition,
        position=at.position,
        head=head,
        lag=None if head is None else max(0, head - at.position),
        moved_at=at.moved_at,
    )
