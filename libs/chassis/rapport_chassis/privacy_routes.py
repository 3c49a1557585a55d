"""Personal values, opened for those who may read them: some that stand in events, or all that is kept of a person."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from rapport_chassis.answers import answer_json
from rapport_chassis.auth import Caller
from rapport_chassis.cursors import Cursor, CursorUnknown, read_cursor, write_cursor
from rapport_chassis.desk import AtDesk, ScopeMissing
from rapport_chassis.entrance import REVEAL_PATH
from rapport_chassis.problems import Problem, Refused
from rapport_chassis.reading import PERSONAL, Read, Reading
from rapport_events.cloudevents import attributes, open_data
from rapport_events.codec import key_ids, open_text, sealed_values
from rapport_events.contracts.base import Redacted, Sealed
from rapport_events.envelope import Recorded
from rapport_events.ids import CustomerId, EventId, TenantId, partition_of_customer
from rapport_events.parties import members
from rapport_events.sealing import BrokenSeal, key_id_of

VALUES_MAX: Final = 1_000
PAGE: Final = 500
"""Events of one answer; each may have 256 KiB."""
PAGE_BYTES_MAX: Final = 16_777_216

TOO_MANY_VALUES: Final = Problem(
    413, "too_many_values", "At most 1,000 values are opened at a time; send the rest in the next request."
)


class SealedValue(BaseModel):
    """One personal value, and where it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: UUID
    path: Annotated[str, Field(max_length=200, pattern="^/", examples=["/pii/names"])]
    """JSON Pointer of the value within the event's data."""
    value: Annotated[str, Field(max_length=400_000)]
    """As it stands there: `s1.…`, or `redacted`."""
    partition: Annotated[int, Field(ge=0, lt=32)] | None = None
    """Of the event; it is not needed, and may be sent along."""


class Reveal(BaseModel):
    """Up to 1,000 values of events of any service."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: list[SealedValue]


class Revealed(BaseModel):
    """What became of one value."""

    state: Literal["open", "erased", "unreadable"]
    plain: JsonValue = Field(default=None, description="What was sealed; null unless the state is `open`.")


class RevealAnswer(BaseModel):
    """One answer for each value, in their order."""

    values: list[Revealed]


class PersonalData(BaseModel):
    """All events of this service about a person, under all ids, personal values open; a page of them."""

    customer_ids: list[UUID]
    events: list[dict[str, Any]] = Field(description="CloudEvents in JSON; null stands for what was erased.")
    readable: int = Field(description="Personal values of this page that could be opened.")
    next_cursor: str | None


def privacy_router() -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["privacy"])
    router.add_api_route(REVEAL_PATH, reveal, methods=["POST"], operation_id="reveal", response_model=RevealAnswer)
    router.add_api_route(
        "/v1/customers/{customer_id}/personal-data",
        show_personal_data,
        operation_id="show_personal_data",
        response_model=PersonalData,
    )
    return router


async def reveal(request: Request, desk: AtDesk, wish: Reveal) -> Response:
    """Open values that were sealed for events of this tenant; the scope personal:read is needed."""
    caller = await desk.admit(request, PERSONAL)
    if len(wish.values) > VALUES_MAX:
        raise Refused(TOO_MANY_VALUES)
    wanted = {key_id for each in wish.values if (key_id := _key_id(each.value))}
    keys = await desk.store.keyring.open_keys(caller.tenant, wanted) if wanted else {}
    return answer_json({"values": [_revealed(each, keys, caller.tenant) for each in wish.values]})


def _key_id(text: str) -> str | None:
    try:
        return key_id_of(text)
    except BrokenSeal:
        return None


def _revealed(each: SealedValue, keys: dict[str, bytes | None], tenant: TenantId) -> dict[str, object]:
    try:
        found = open_text(each.value, keys, tenant=tenant, event_id=EventId(each.event_id), pointer=each.path)
    except BrokenSeal:
        return {"state": "unreadable", "plain": None}
    if isinstance(found, Redacted | Sealed):
        return {"state": "erased", "plain": None}
    return {"state": "open", "plain": found}


async def show_personal_data(reading: Read, customer_id: UUID, cursor: Cursor = None) -> Response:
    """
    Show all that this service has recorded about a person, page by page.

    With the keyring away it answers 503: what is handed to a person must be whole.
    """
    caller = reading.caller
    if PERSONAL not in caller.scopes:
        raise ScopeMissing(scope=PERSONAL)
    async with reading.rows() as connection:
        ids = [CustomerId(member) for member in await members(connection, caller.tenant, customer_id)]
    events, following = await _page(reading, caller, ids, cursor)
    wanted = set[str]().union(*(key_ids(event.data) for event in events))
    keys = await reading.store.keyring.open_keys(caller.tenant, wanted) if wanted else {}
    readable = sum(
        keys.get(key_id_of(text)) is not None for event in events for text in sealed_values(event.data).values()
    )
    return answer_json(
        {
            "customer_ids": ids,
            "events": [attributes(event, open_data(event, keys)) for event in events],
            "readable": readable,
            "next_cursor": following,
        }
    )


async def _page(
    reading: Reading, caller: Caller, ids: list[CustomerId], cursor: str | None
) -> tuple[list[Recorded], str | None]:
    """Read the next events, partition by partition, up to a number and a size."""
    subjects: dict[int, list[str]] = {}
    for customer in ids:
        subjects.setdefault(partition_of_customer(caller.tenant, customer), []).append(str(customer))
    first, after = _place(cursor) if cursor else (0, 0)
    found: list[Recorded] = []
    room = PAGE_BYTES_MAX
    for partition in sorted(number for number in subjects if number >= first):
        begin = after if partition == first else 0
        page = await reading.store.ledger.read_about(
            caller.tenant, subjects[partition], partition, after=begin, limit=PAGE - len(found) + 1
        )
        for event in page:
            room -= len(event.data)
            if found and (len(found) == PAGE or room < 0):
                return found, write_cursor(found[-1].partition, found[-1].position)
            found.append(event)
    return found, None


def _place(cursor: str) -> tuple[int, int]:
    partition, position = read_cursor(cursor, 2)
    if not partition.isdecimal() or not position.isdecimal():
        raise CursorUnknown
    return int(partition), int(position)
