"""What every request passes first: its size is bounded, it gets a correlation id, and no error leaves bare."""

import re
import time
from collections.abc import Mapping
from typing import Any, Final, cast
from uuid import uuid4

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rapport_chassis.problems import FAULT, TOO_LARGE, Refused, problem_of
from rapport_chassis.telemetry import REQUEST_SECONDS, REQUESTS

log = structlog.get_logger()

BODY_BYTES_MAX: Final = 1_048_576
"""One command, with room for an event of 256 KiB."""
BATCH_BYTES_MAX: Final = 16_777_216
"""A batch of 1,000 commands; it is held in memory, so few are taken at a time."""
BATCH_PATH: Final = "/v1/commands:batch"
CORRELATION_HEADER: Final = "X-Correlation-Id"

_CORRELATION = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_CORRELATION_KEY: Final = "rapport.correlation_id"
_TRACE_KEY: Final = "rapport.traceparent"


def correlation_of(scope: Mapping[str, Any]) -> str:
    """Return the id that ties together all that a request causes."""
    return cast("str", scope[_CORRELATION_KEY])


def traceparent_of(scope: Mapping[str, Any]) -> str | None:
    """Return the caller's W3C trace context, if it is one."""
    return cast("str | None", scope[_TRACE_KEY])


class Entrance:
    """ASGI: the outermost layer of a service."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service
        self._figures: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = Headers(scope=scope)
        given = headers.get(CORRELATION_HEADER)
        correlation = given if given and _CORRELATION.fullmatch(given) else str(uuid4())
        trace = headers.get("traceparent")
        scope[_CORRELATION_KEY] = correlation
        scope[_TRACE_KEY] = trace if trace and _TRACEPARENT.fullmatch(trace) else None
        answer = _Answer(send, correlation)
        try:
            await self._app(scope, _bounded(receive, headers, scope["path"]), answer)
        except Exception as error:  # noqa: BLE001  # the edge of the process: every error becomes an answer here
            await self._answer_error(error, scope, receive, answer, correlation)
        self._count(scope, answer.status, time.perf_counter() - began)

    async def _answer_error(
        self, error: Exception, scope: Scope, receive: Receive, answer: "_Answer", correlation: str
    ) -> None:
        problem = problem_of(error)
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

    __slots__ = ("_correlation", "_send", "status")

    def __init__(self, send: Send, correlation: str) -> None:
        self._send = send
        self._correlation = (CORRELATION_HEADER.lower().encode(), correlation.encode())
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), self._correlation]
        await self._send(message)


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", None) or "unmatched"


def _bounded(receive: Receive, headers: Headers, path: str) -> Receive:
    """Refuse a body that says it is too large, and count one that does not say how large it is."""
    limit = BATCH_BYTES_MAX if path == BATCH_PATH else BODY_BYTES_MAX
    length = headers.get("content-length")
    if length is not None:
        if not length.isdecimal() or int(length) > limit:
            raise Refused(TOO_LARGE)
        return receive
    if "transfer-encoding" not in headers:
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
