"""The one public door to the services' HTTP interfaces: `/api/<service>/v1/…`."""

from collections.abc import AsyncGenerator
from typing import Final
from urllib.parse import urlsplit

import httpx
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from rapport_chassis.entrance import traceparent_of
from rapport_chassis.problems import Refused, away
from rapport_console.errors import NoSuchDoor
from rapport_console.session import COOKIE
from rapport_console.suite import SERVICES, Suite

router = APIRouter()

FORWARDED: Final = (
    "accept",
    "content-type",
    "idempotency-key",
    "if-match",
    "last-event-id",
    "x-correlation-id",
)
RETURNED: Final = (
    "cache-control",
    "content-type",
    "etag",
    "location",
    "rapport-cursor",
    "rapport-position",
    "retry-after",
    "x-accel-buffering",
    "x-correlation-id",
)
METHODS: Final = ["GET", "POST"]
EVENT_STREAM: Final = "text/event-stream"
BATCH_SECONDS_MAX: Final = 75
"""A little longer than a service takes at most to wait for news."""


@router.api_route("/api/{service}/{path:path}", methods=METHODS, include_in_schema=False)
async def forward(request: Request, service: str, path: str) -> Response:
    """Pass a request on to the service that its path names, and its answer back."""
    suite: Suite = request.app.state.suite
    if service not in SERVICES or not path.startswith("v1/"):
        raise NoSuchDoor(services=SERVICES)
    headers = {name: request.headers[name] for name in FORWARDED if name in request.headers}
    headers["authorization"] = authorization_of(request)
    if (trace := traceparent_of(request.scope)) is not None:
        headers["traceparent"] = trace
    url = httpx.URL(f"{suite.addresses[service]}/{path}", query=request.url.query.encode())
    asked = suite.client.build_request(
        request.method, url, content=await request.body(), headers=headers, timeout=BATCH_SECONDS_MAX
    )
    try:
        answer = await suite.client.send(asked, stream=True)
        kept = {name: answer.headers[name] for name in RETURNED if name in answer.headers}
        if answer.headers.get("content-type", "").startswith(EVENT_STREAM):
            # Such an answer lasts as long as the caller listens, and each part of it is waited for.
            return StreamingResponse(_passed_on(answer), answer.status_code, kept)
        return Response(await _whole(answer), answer.status_code, kept)
    except httpx.HTTPError as error:
        raise Refused(away("service_away", f"{service} does not answer; try again shortly.", 2)) from error


async def _whole(answer: httpx.Response) -> bytes:
    try:
        return await answer.aread()
    finally:
        await answer.aclose()


async def _passed_on(answer: httpx.Response) -> AsyncGenerator[bytes]:
    """Pass parts on as they come; a service that goes away ends the stream, and the caller resumes it."""
    try:
        async for part in answer.aiter_bytes():
            yield part
    except httpx.HTTPError:
        return
    finally:
        await answer.aclose()


def authorization_of(request: Request) -> str:
    """Take the caller's token, or that of the session for requests of the console's own pages."""
    given = request.headers.get("authorization")
    if given is not None:
        return given
    token = request.cookies.get(COOKIE)
    origin = request.headers.get("origin")
    is_own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    return f"Bearer {token}" if token and is_own else ""
