"""What every request passes first: it is bounded in size and time, gets a correlation id, and no error leaves bare."""

import asyncio
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from itertools import count
from typing import Any, Final, cast

import msgspec
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rapport_chassis.lane import Lane
from rapport_chassis.problems import FAULT, TOO_LARGE, Refused, away, problem_of
from rapport_chassis.telemetry import REQUEST_SECONDS, REQUESTS, UNDERWAY
from rapport_events.tracing import TRACEPARENT, Span, Untraced, begin

log = structlog.get_logger()

BODY_BYTES_MAX: Final = 1_048_576
"""One command, with room for an event of 256 KiB."""
BATCH_BYTES_MAX: Final = 16_777_216
"""A batch of 1,000 commands, or 1,000 sealed values; it is held in memory, so few are taken at a time."""
BATCH_PATH: Final = "/v1/commands:batch"
REVEAL_PATH: Final = "/v1/reveal"
CORRELATION_HEADER: Final = "X-Correlation-Id"
UNDERWAY_MAX: Final = 1_000
"""Requests at a time; more are sent away at once instead of waiting in a line that only grows."""
REQUEST_SECONDS_MAX: Final = 90.0
"""A request that takes longer is cut off, whether its body does not come or its answer."""
FEED_PATH: Final = "/v1/events"
"""Whoever asks here may wait for news."""

BUSY: Final = away("busy", "Too many requests are under way; repeat shortly, with the same key.", 1)
TOO_SLOW: Final = away("too_slow", "The request took too long and was cut off; repeat with the same key.")

_LOOK_SECONDS: Final = 0.25
_CORRELATION = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HEADERS_KEY: Final = "rapport.headers"
_CORRELATION_KEY: Final = "rapport.correlation_id"
_TRACE_KEY: Final = "rapport.traceparent"

_process = os.urandom(9).hex()
_numbers = count(1)


def headers_of(scope: Mapping[str, Any]) -> dict[bytes, bytes]:
    """Return a request's headers, names in lower case."""
    return cast("dict[bytes, bytes]", scope[_HEADERS_KEY])


def correlation_of(scope: Mapping[str, Any]) -> str:
    """Return the id that ties together all that a request causes."""
    return cast("str", scope[_CORRELATION_KEY])


def traceparent_of(scope: Mapping[str, Any]) -> str | None:
    """Return the W3C trace context of what is done for this request: our span's, or the caller's, if it is one."""
    return cast("str | None", scope[_TRACE_KEY])


class _Underway(msgspec.Struct, frozen=True, gc=False):
    """A request that has no answer yet, or not all of it."""

    scope: Scope
    receive: Receive
    answer: "_Answer"
    answered_by: float
    ended_by: float

    def is_late(self, now: float) -> bool:
        """Say whether it is to be cut off; an answer that has begun may go on."""
        return now > (self.ended_by if self.answer.status else self.answered_by)


class Entrance:
    """ASGI: the outermost layer of a service."""

    def __init__(
        self,
        app: ASGIApp,
        service: str,
        lane: Lane,
        *,
        answer_seconds: float = REQUEST_SECONDS_MAX,
        seconds_max: float = REQUEST_SECONDS_MAX,
    ) -> None:
        self._app = app
        self._service = service
        self._lane = lane
        self._seconds_max = seconds_max
        self._answer_seconds = min(answer_seconds, seconds_max)
        self._underway: dict[asyncio.Task[object], _Underway] = {}
        self._cut: set[asyncio.Task[object]] = set()
        self._figures: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        UNDERWAY.labels(service).set_function(lambda: len(self._underway))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_at = time.perf_counter()
        headers = _mark(scope)
        span = _begin_span(scope, self._service)
        answer = _Answer(send, scope[_CORRELATION_KEY])
        task = cast("asyncio.Task[object]", asyncio.current_task())
        try:
            if len(self._underway) >= UNDERWAY_MAX:
                raise Refused(BUSY)
            self._underway[task] = self._begin(scope, receive, answer, began_at)
            app = self._lane.find(scope) if scope["method"] == "POST" else None
            await (app or self._app)(scope, _bounded(receive, headers, scope["path"]), answer)
        except asyncio.CancelledError:
            if task not in self._cut:
                raise
            task.uncancel()
            await self._answer_error(Refused(TOO_SLOW), scope, receive, answer)
        except Exception as error:  # noqa: BLE001  # the edge of the process: every error becomes an answer here
            await self._answer_error(error, scope, receive, answer)
        finally:
            self._underway.pop(task, None)
            self._cut.discard(task)
            _end_span(span, scope, answer.status)
        self._count(scope, answer.status, time.perf_counter() - began_at)

    def _begin(self, scope: Scope, receive: Receive, answer: "_Answer", now: float) -> _Underway:
        is_patient = scope["path"] in {BATCH_PATH, FEED_PATH}
        seconds = self._seconds_max if is_patient else self._answer_seconds
        return _Underway(scope, receive, answer, now + seconds, now + self._seconds_max)

    async def cut_off(self) -> None:
        """Cancel requests that take too long, again and again, until cancelled."""
        while True:
            await asyncio.sleep(min(_LOOK_SECONDS, self._answer_seconds / 4))
            now = time.perf_counter()
            for task, underway in list(self._underway.items()):
                if underway.is_late(now) and task not in self._cut:
                    self._cut.add(task)
                    task.cancel()
                    await self._send_away(underway)

    async def _send_away(self, underway: _Underway) -> None:
        """Answer at once: what is cancelled may still wait for a connection to let go of it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                answer = underway.answer.take_over()
                await self._answer_error(Refused(TOO_SLOW), underway.scope, underway.receive, answer)

    async def _answer_error(self, error: Exception, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        problem = problem_of(error)
        correlation = correlation_of(scope)
        if problem is None:
            log.error(
                "request_failed", service=self._service, correlation_id=correlation, route=_route(scope), exc_info=error
            )
        if answer.status == 0:
            await (problem or FAULT).response(correlation)(scope, receive, answer)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        name = (route, scope["method"] if route != "unmatched" else "any", status)
        figures = self._figures.get(name)
        if figures is None:
            requests = REQUESTS.labels(self._service, *name)
            figures = self._figures[name] = (requests, REQUEST_SECONDS.labels(self._service, route))
        figures[0].inc()
        figures[1].observe(seconds)


class _Answer:
    """Sends the answer with the correlation id, and remembers its status."""

    __slots__ = ("_correlation", "_is_over", "_send", "status")

    def __init__(self, send: Send, correlation: str) -> None:
        self._send = send
        self._correlation = (CORRELATION_HEADER.lower().encode(), correlation.encode())
        self.status = 0
        self._is_over = False

    def take_over(self) -> "_Answer":
        """Say nothing more here; return what says the rest, where nothing was said yet."""
        other = _Answer(self._send, "")
        other._correlation, other.status = self._correlation, self.status
        self._is_over, self.status = True, self.status or HTTPStatus.SERVICE_UNAVAILABLE
        return other

    async def __call__(self, message: Message) -> None:
        if self._is_over:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), self._correlation]
        await self._send(message)


def _mark(scope: Scope) -> dict[bytes, bytes]:
    """Note in the scope what all that follows may ask for."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    given, trace = headers.get(b"x-correlation-id"), headers.get(b"traceparent")
    scope[_HEADERS_KEY] = headers
    scope[_CORRELATION_KEY] = (
        given.decode() if given and _CORRELATION.fullmatch(given) else f"{_process}-{next(_numbers):x}"
    )
    scope[_TRACE_KEY] = trace.decode() if trace and TRACEPARENT.fullmatch(trace) else None
    return headers


def _begin_span(scope: Scope, service: str) -> Span | Untraced | None:
    """Trace what changes something; what is only read, and read all the time, where the caller asks for it."""
    parent = scope[_TRACE_KEY]
    if scope["method"] == "GET" and parent is None:
        return None
    span = begin(service, "server", scope["method"], parent=parent)
    scope[_TRACE_KEY] = span.traceparent
    return span


def _end_span(span: Span | Untraced | None, scope: Scope, status: int) -> None:
    if span is not None:
        route = _route(scope)
        facts = {"http.request.method": scope["method"], "http.route": route, "http.response.status_code": status}
        error = str(status) if status >= HTTPStatus.INTERNAL_SERVER_ERROR else None
        span.end(name=f"{scope['method']} {route}", error=error, facts=facts)


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", None) or "unmatched"


def _bounded(receive: Receive, headers: Mapping[bytes, bytes], path: str) -> Receive:
    """Refuse a body that says it is too large, and count one that does not say how large it is."""
    limit = BATCH_BYTES_MAX if path.endswith((BATCH_PATH, REVEAL_PATH)) else BODY_BYTES_MAX
    length = headers.get(b"content-length")
    if length is not None:
        if not length.isdigit() or int(length) > limit:
            raise Refused(TOO_LARGE)
        return receive
    if b"transfer-encoding" not in headers:
        return receive
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > limit:
                raise Refused(TOO_LARGE)
        return message

    return counted
