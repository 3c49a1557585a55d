"""The one public door to the services' HTTP interfaces: `/api/<service>/v1/…`."""

from typing import Final
from urllib.parse import urlsplit

import httpx
from fastapi import APIRouter, Request
from starlette.responses import Response

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
    "traceparent",
    "x-correlation-id",
)
RETURNED: Final = ("content-type", "etag", "location", "rapport-position", "retry-after", "x-correlation-id")
METHODS: Final = ["GET", "POST"]
BATCH_SECONDS_MAX: Final = 60


@router.api_route("/api/{service}/{path:path}", methods=METHODS, include_in_schema=False)
async def forward(request: Request, service: str, path: str) -> Response:
    """Pass a request on to the service that its path names, and its answer back."""
    suite: Suite = request.app.state.suite
    if service not in SERVICES or not path.startswith("v1/"):
        raise NoSuchDoor(services=SERVICES)
    headers = {name: request.headers[name] for name in FORWARDED if name in request.headers}
    headers["authorization"] = _authorization(request)
    url = httpx.URL(f"{suite.addresses[service]}/{path}", query=request.url.query.encode())
    try:
        answer = await suite.client.request(
            request.method, url, content=await request.body(), headers=headers, timeout=BATCH_SECONDS_MAX
        )
    except httpx.HTTPError as error:
        raise Refused(away("service_away", f"{service} does not answer; try again shortly.", 2)) from error
    kept = {name: answer.headers[name] for name in RETURNED if name in answer.headers}
    return Response(answer.content, answer.status_code, kept)


def _authorization(request: Request) -> str:
    """Take the caller's token, or that of the session for requests of the console's own pages."""
    given = request.headers.get("authorization")
    if given is not None:
        return given
    token = request.cookies.get(COOKIE)
    origin = request.headers.get("origin")
    is_own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    return f"Bearer {token}" if token and is_own else ""
