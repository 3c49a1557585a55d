"""The routes by which an operator looks after records that readers set aside: list, show, retry, discard."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import asyncpg
import orjson
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from rapport_chassis.auth import Caller
from rapport_chassis.desk import OPERATOR, AtDesk, Desk
from rapport_events.errors import Clash, Malformed, Missing
from rapport_events.parking import BEHIND, KEY_LENGTH_MAX
from rapport_events.statements import load

SHOWN_MAX: Final = 500
ANSWER_SECONDS_MAX: Final = 5.0
_LOOK_SECONDS: Final = 0.05

EventKey = Annotated[str, Path(max_length=KEY_LENGTH_MAX, description="The event's id, as the list tells it.")]
Reason = Annotated[str, Field(min_length=3, max_length=500, description="Why; it is kept with who decided. No names.")]


class ParkedNotFound(Missing):
    """No record of this event is set aside here."""

    code = "parked_not_found"


class StillParked(Clash):
    """It was tried again and cannot be folded; mend the fold, replace its data, or discard it."""

    code = "still_parked"


class ReplacementNotTold(Malformed):
    """Whoever replaces the data of an event says why."""

    code = "replacement_needs_reason"


class ParkedShown(BaseModel):
    """An event that read models could not fold."""

    event_id: str
    source: str
    era: int
    partition: int
    position: int
    type: str
    subject: str = Field(description="Id of the customer whose later events wait.")
    readers: list[str]
    cause: str
    tries: int
    behind: int = Field(description="Later events of the customer that wait behind it.")
    parked_at: datetime
    tried_at: datetime | None
    age_seconds: float
    is_wanted: bool = Field(description="Whether it is to be tried again, and was not yet.")


class ParkedAnswer(BaseModel):
    """What a service has set aside of the caller's tenant, the oldest first; and what says of no tenant whose it is."""

    service: str
    parked: list[ParkedShown]
    customers: int = Field(description="Customers who wait.")


class ParkedRecord(BaseModel):
    """A parked event as it came: personal values stay sealed."""

    event: ParkedShown
    headers: dict[str, str]
    value: str
    decision: str | None
    reason: str | None
    actor: str | None
    decided_at: datetime | None


class Retry(BaseModel):
    """Tries an event again, and what waits behind it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: dict[str, Any] | None = Field(default=None, description="Data to fold instead; the ledger keeps the event.")
    reason: Reason | None = None


class Discard(BaseModel):
    """Passes an event over, in every version of every read model that cannot fold it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Reason


class Released(BaseModel):
    """What became of the wish."""

    event_id: str
    is_released: bool = Field(description="False where no reader has looked after it within five seconds.")


def parked_router() -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["parked"])
    router.add_api_route("/v1/parked", list_parked, operation_id="list_parked")
    router.add_api_route("/v1/parked/{event_id}", show_parked, operation_id="show_parked")
    for verb, endpoint in (("retry", retry_parked), ("discard", discard_parked)):
        path = f"/v1/parked/{{event_id}}/{verb}"
        router.add_api_route(path, endpoint, methods=["POST"], operation_id=f"{verb}_parked")
    return router


async def list_parked(request: Request, desk: AtDesk) -> ParkedAnswer:
    """List what is set aside."""
    caller = await desk.admit(request, OPERATOR, f"{desk.service.name}:read")
    shown = await _events(desk, caller, None)
    customers = {each.subject for each in shown}
    return ParkedAnswer(service=desk.service.name, parked=shown, customers=len(customers))


async def show_parked(request: Request, desk: AtDesk, event_id: EventKey) -> ParkedRecord:
    """Show one event as it was set aside."""
    caller = await desk.admit(request, OPERATOR)
    events = await _events(desk, caller, event_id)
    rows = await _fetch(desk, caller, "parked_record", event_id)
    if not events or not rows:
        raise ParkedNotFound(event_id=event_id)
    row = rows[0]
    return ParkedRecord(
        event=events[0],
        headers=orjson.loads(row["headers"]),
        value=row["value"].decode(errors="backslashreplace"),
        **{name: row[name] for name in ("decision", "reason", "actor", "decided_at")},
    )


async def retry_parked(request: Request, desk: AtDesk, event_id: EventKey, wish: Retry) -> Released:
    """Try an event again, and then what waits behind it, in order."""
    caller = await desk.admit(request, OPERATOR)
    if wish.value is None:
        return await _ask(desk, caller, event_id, (None, None, wish.reason))
    if wish.reason is None:
        raise ReplacementNotTold(event_id=event_id)
    return await _ask(desk, caller, event_id, ("replace", orjson.dumps(wish.value), wish.reason))


async def discard_parked(request: Request, desk: AtDesk, event_id: EventKey, wish: Discard) -> Released:
    """Pass an event over from now on, and fold what waits behind it."""
    caller = await desk.admit(request, OPERATOR)
    return await _ask(desk, caller, event_id, ("discard", None, wish.reason))


async def _ask(
    desk: Desk, caller: Caller, event_id: str, decision: tuple[str | None, bytes | None, str | None]
) -> Released:
    """Write the wish down, and wait for what a reader makes of it."""
    statement = load("rapport_events", "parking/ask_release")
    if not await desk.store.pool.fetchval(statement, caller.tenant, event_id, *decision, caller.subject):
        raise ParkedNotFound(event_id=event_id)
    until = asyncio.get_running_loop().time() + ANSWER_SECONDS_MAX
    while asyncio.get_running_loop().time() < until:
        events = await _events(desk, caller, event_id)
        if not events:
            return Released(event_id=event_id, is_released=True)
        if not events[0].is_wanted:
            raise StillParked(event_id=event_id, cause=events[0].cause, tries=events[0].tries)
        await asyncio.sleep(_LOOK_SECONDS)
    return Released(event_id=event_id, is_released=False)


async def _events(desk: Desk, caller: Caller, event_id: str | None) -> list[ParkedShown]:
    now = datetime.now(UTC)
    rows = await _fetch(desk, caller, "parked_events", BEHIND, event_id, SHOWN_MAX)
    names = ParkedShown.model_fields.keys() - {"age_seconds"}
    return [
        ParkedShown(
            **{name: row[name] for name in names}, age_seconds=round((now - row["parked_at"]).total_seconds(), 1)
        )
        for row in rows
    ]


async def _fetch(desk: Desk, caller: Caller, statement: str, *values: object) -> list[asyncpg.Record]:
    """Read as the caller's tenant; an operator also sees what does not say whose it is."""
    tenants = [caller.tenant, ""] if OPERATOR in caller.scopes else [caller.tenant]
    found: list[asyncpg.Record] = []
    for tenant in tenants:
        async with desk.store.pool.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute(load("rapport_chassis", "set_tenant"), tenant)
            found += await connection.fetch(load("rapport_chassis", statement), *values)
    return found
