"""`GET /v1/events`: what happened, from the first event on, for those who have no access to the topics."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import AwareDatetime

from rapport_chassis.auth import Caller
from rapport_chassis.desk import OPERATOR, AtDesk, ScopeMissing, Store
from rapport_chassis.entrance import BUSY
from rapport_chassis.problems import MEDIA_TYPE, Problem, Refused
from rapport_chassis.reading import PERSONAL
from rapport_events.cloudevents import open_data, to_structured
from rapport_events.codec import key_ids
from rapport_events.database import Connection, borrow
from rapport_events.envelope import Recorded
from rapport_events.feed import CURSOR_LENGTH_MAX, TYPES_MAX, Filter, Page, Place, place_at, read_page
from rapport_events.statements import load

LINES: Final = "application/x-ndjson"
STREAM: Final = "text/event-stream"
CURSOR_HEADER: Final = "Rapport-Cursor"
WAIT_SECONDS_MAX: Final = 60
"""Well below the time after which requests are cut off."""
WAITING_MAX: Final = 200
"""Callers of a process that wait for news at a time."""
STREAM_PAGE: Final = 200

_LOOK_SECONDS: Final = 0.2
_SEARCH_SECONDS: Final = 2.0
"""How long one request goes on looking past what it does not want."""
_KEEP_ALIVE_SECONDS: Final = 15
_RETRY_MILLISECONDS: Final = 1_000

NOT_ACCEPTABLE: Final = Problem(406, "not_acceptable", f"The feed comes as {LINES} or as {STREAM}; ask for one.")

_PROBLEM: Final[dict[str, Any]] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_DESCRIPTION: Final = f"""
Show events in the order of each of the 32 partitions, one CloudEvent in JSON a line, or as server-sent events.

Without `cursor` and `since` it begins at the first event. The header `{CURSOR_HEADER}` of the answer, or the `id` of
the last server-sent event, is where to go on; what a filter leaves out moves it too. Repeats are told by `id`.
"""

Types = Annotated[
    list[str], Query(alias="type", max_length=TYPES_MAX, description="Whole types, or beginnings: `crm.customer.*`.")
]
From = Annotated[str | None, Query(alias="cursor", max_length=CURSOR_LENGTH_MAX, description="Where to go on.")]
LastEventId = Annotated[str | None, Header(max_length=CURSOR_LENGTH_MAX, description="The same, as browsers send it.")]
Since = Annotated[AwareDatetime | None, Query(description="Begin with what was recorded at this moment or later.")]
Subject = Annotated[str | None, Query(max_length=200, description="Only events about this customer, tenant or job.")]
Open = Annotated[bool, Query(alias="open", description="Open personal values; needs the scope personal:read.")]
Limit = Annotated[int, Query(ge=1, le=1_000, description="Events of one answer of JSON lines.")]
Wait = Annotated[
    int, Query(ge=0, le=WAIT_SECONDS_MAX, description="Seconds: how long lines wait for news, or a stream stays open.")
]


@dataclass(slots=True)
class Feed:
    """The feed of one service in this process: who waits looks together."""

    service: str
    store: Store
    waiting: int = 0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _heads: tuple[int, ...] = ()
    _looked_at: float = float("-inf")

    @asynccontextmanager
    async def rows(self, caller: Caller) -> AsyncGenerator[Connection]:
        """Give a connection that sees the caller's tenant, and heads and events in one snapshot."""
        async with (
            borrow(self.store.pool) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(load("rapport_chassis", "set_tenant"), caller.tenant)
            yield connection

    async def heads(self) -> tuple[int, ...]:
        """Return the last positions, as they were a moment ago at most."""
        async with self._turn:
            if time.monotonic() - self._looked_at >= _LOOK_SECONDS:
                self._heads = (await self.store.ledger.state()).heads
                self._looked_at = time.monotonic()
            return self._heads


@dataclass(slots=True)
class Subscription:
    """What one caller asked for, and how far it has come."""

    feed: Feed
    caller: Caller
    wanted: Filter
    limit: int
    is_open: bool
    place: Place | None = None

    async def begin(self, cursor: str | None, since: AwareDatetime | None) -> None:
        """Find the place to begin."""
        if cursor is not None:
            self.place = Place.from_cursor(self.feed.service, cursor)
        elif since is not None:
            async with self.feed.rows(self.caller) as connection:
                self.place = await place_at(connection, self.feed.service, since)

    async def next_page(self) -> Page:
        """Read on."""
        async with self.feed.rows(self.caller) as connection:
            page = await read_page(
                connection, self.feed.service, self.caller.tenant, self.place, self.wanted, limit=self.limit
            )
        self.place = page.after
        return page

    async def search(self, until: float) -> Page:
        """Read until something wanted is found; nobody's time is taken for longer than `until` (monotonic)."""
        searching_until = time.monotonic() + _SEARCH_SECONDS
        while True:
            page = await self.next_page()
            if page.events or time.monotonic() >= (max(until, searching_until) if page.is_behind else until):
                return page
            if not page.is_behind:
                await self._news(page.after, until)

    async def texts(self, events: Sequence[Recorded]) -> list[bytes]:
        """Return the events as their subscriber sees them."""
        if not self.is_open:
            return [to_structured(event) for event in events]
        wanted = {key for event in events for key in key_ids(event.data)}
        keys = await self.feed.store.keyring.open_keys(self.caller.tenant, wanted) if wanted else {}
        return [to_structured(event, open_data(event, keys)) for event in events]

    async def _news(self, place: Place, until: float) -> None:
        """Wait until something was recorded, by whomever."""
        while time.monotonic() < until:
            await asyncio.sleep(min(_LOOK_SECONDS, max(0.0, until - time.monotonic())))
            if await self.feed.heads() != place.positions:
                return


def feed_router() -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["ledger"])
    router.add_api_route(
        "/v1/events",
        get_events,
        operation_id="get_events",
        summary="Show what happened, from the first event on.",
        description=_DESCRIPTION,
        response_class=Response,
        responses={
            200: {
                "description": "Events, one a line.",
                "content": {LINES: {"schema": {"type": "object"}}, STREAM: {"schema": {"type": "string"}}},
                "headers": {CURSOR_HEADER: {"schema": {"type": "string"}, "description": "Where to go on."}},
            },
            406: {"description": "It is asked for in another form.", "content": _PROBLEM},
            409: {"description": "The cursor is of a former era: begin without one.", "content": _PROBLEM},
        },
    )
    return router


async def get_events(  # noqa: PLR0913  # the parameters of the route
    request: Request,
    desk: AtDesk,
    *,
    types: Types = [],  # noqa: B006  # FastAPI copies it
    cursor: From = None,
    last_event_id: LastEventId = None,
    since: Since = None,
    subject: Subject = None,
    is_open: Open = False,
    limit: Limit = 100,
    wait: Wait = 0,
) -> Response:
    """Show events, one CloudEvent a line or as server-sent events."""
    media = _media(request.headers.get("accept", "*/*"))
    caller = await desk.admit(request, f"{desk.service.name}:read", OPERATOR)
    if is_open and PERSONAL not in caller.scopes:
        raise ScopeMissing(scope=PERSONAL)
    feed = _feed(request, desk)
    subscription = Subscription(feed, caller, Filter.of(types, subject), limit, is_open)
    await subscription.begin(last_event_id or cursor, since)
    if media == STREAM:
        # The first page is read before the answer begins: what is refused is refused with a status.
        subscription = replace(subscription, limit=STREAM_PAGE)
        first = await subscription.next_page()
        texts = await subscription.texts(first.events)
        _check_room(feed)
        return StreamingResponse(
            _stream(subscription, first, texts, time.monotonic() + wait),
            media_type=STREAM,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
    return await _lines(subscription, time.monotonic() + wait)


async def _lines(subscription: Subscription, until: float) -> Response:
    feed = subscription.feed
    _check_room(feed)
    feed.waiting += 1
    try:
        page = await subscription.search(until)
    finally:
        feed.waiting -= 1
    body = b"".join(text + b"\n" for text in await subscription.texts(page.events))
    return Response(body, media_type=LINES, headers={CURSOR_HEADER: page.after.to_cursor()})


async def _stream(subscription: Subscription, page: Page, texts: list[bytes], until: float) -> AsyncIterator[bytes]:
    """Send pages as they come, until the time is over; the subscriber comes back with the last id."""
    feed = subscription.feed
    over_at = time.monotonic() + WAIT_SECONDS_MAX
    feed.waiting += 1
    try:
        yield b"retry: %d\n\n" % _RETRY_MILLISECONDS
        while True:
            place = _before(page)
            for event, text in zip(page.events, texts, strict=True):
                place = place.at(event.partition, event.position)
                yield b"id: %s\nevent: %s\ndata: %s\n\n" % (place.to_cursor().encode(), event.type.encode(), text)
            # An id without data moves the subscriber's place past what it did not want.
            yield b"id: %s\n\n" % page.after.to_cursor().encode()
            now = time.monotonic()
            if now >= (over_at if page.is_behind else until):
                return
            page = await subscription.search(min(until, now + _KEEP_ALIVE_SECONDS))
            texts = await subscription.texts(page.events)
    finally:
        feed.waiting -= 1


def _before(page: Page) -> Place:
    """Return a place from which none of the page's events is missing."""
    place = page.after
    for event in reversed(page.events):
        place = place.at(event.partition, event.position - 1)
    return place


def _media(accept: str) -> str:
    names = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    for name in names:
        if name == STREAM:
            return STREAM
        if name in {LINES, "application/*", "*/*"}:
            return LINES
    raise Refused(NOT_ACCEPTABLE)


def _check_room(feed: Feed) -> None:
    if feed.waiting >= WAITING_MAX:
        raise Refused(BUSY)


def _feed(request: Request, desk: AtDesk) -> Feed:
    """Return what all callers of this feed share."""
    feed: Feed | None = getattr(request.app.state, "feed", None)
    if feed is None or feed.store is not desk.store:
        feed = request.app.state.feed = Feed(desk.service.name, desk.store)
    return feed
