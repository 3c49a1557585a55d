"""Whether a process lives, which of its parts are ready, and its figures."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from rapport_chassis.answers import answer_json
from rapport_chassis.plain_routes import PlainRoute
from rapport_chassis.telemetry import CONTENT_TYPE, exposition

Endpoint = Callable[[Request], Awaitable[Response]]
State = Literal["starting", "ready", "waiting", "stopped"]
CHECK_SECONDS_MAX = 1.0
"""An answer about a part is reused for this long, so that probes cost nothing."""


@dataclass(slots=True)
class Part:
    """One thing that can be ready or not: a role, a database."""

    is_vital: bool
    """Whether nothing can be answered without it; everything else only degrades."""
    state: State = "starting"
    why: str | None = None
    since: float = field(default_factory=time.monotonic)
    check: Callable[[], Awaitable[str | None]] | None = None
    """Says what is wrong, or None."""
    checked_at: float = float("-inf")


class Readiness:
    """Knows each part of a service in this process."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.is_stopping = False
        self._parts: dict[str, Part] = {}

    def expect(
        self, name: str, *, is_vital: bool = False, check: Callable[[], Awaitable[str | None]] | None = None
    ) -> None:
        """Name a part that readiness speaks of."""
        self._parts[name] = Part(is_vital, check=check)

    def say(self, name: str, state: State, why: str | None = None) -> None:
        """Note what has become of a part; `why` is a code, never a text of an error."""
        part = self._parts.setdefault(name, Part(is_vital=False))
        if (part.state, part.why) != (state, why):
            part.state, part.why, part.since = state, why, time.monotonic()

    async def look(self) -> tuple[bool, dict[str, object]]:
        """Return whether requests can be answered, and the state of each part with its age in seconds."""
        now = time.monotonic()
        for name, part in self._parts.items():
            if part.check is not None and now - part.checked_at >= CHECK_SECONDS_MAX:
                part.checked_at = now
                why = await part.check()
                self.say(name, "waiting" if why else "ready", why)
        able = not self.is_stopping and all(part.state == "ready" for part in self._parts.values() if part.is_vital)
        whole = able and all(part.state == "ready" for part in self._parts.values())
        status = "ready" if whole else "degraded" if able else "stopping" if self.is_stopping else "not_ready"
        parts = {name: _shown(part, now) for name, part in self._parts.items()}
        return able, {"service": self.service, "status": status, "parts": parts}


def _shown(part: Part, now: float) -> Mapping[str, object]:
    shown: dict[str, object] = {"state": part.state, "seconds": round(max(0.0, now - part.since), 3)}
    return {**shown, "why": part.why} if part.why else shown


def health_routes(readiness: Readiness) -> list[PlainRoute]:
    """Return the routes that need no token: /live, /ready and /metrics."""

    async def ready(_: Request) -> Response:
        able, body = await readiness.look()
        return _answer(body, is_able=able)

    async def metrics(_: Request) -> Response:
        return Response(exposition(readiness.service), headers={"Content-Type": CONTENT_TYPE})

    return _routes(ready, metrics)


def health_app(members: Sequence[Readiness]) -> Starlette:
    """Return an application with the same routes for all services of a process."""

    async def ready(_: Request) -> Response:
        looks = [await readiness.look() for readiness in members]
        return _answer({"services": [body for _, body in looks]}, is_able=all(able for able, _ in looks))

    async def metrics(_: Request) -> Response:
        return Response(exposition(None), headers={"Content-Type": CONTENT_TYPE})

    return Starlette(routes=_routes(ready, metrics))


async def _live(_: Request) -> Response:
    return Response(b'{"status":"live"}', media_type="application/json")


def _answer(body: Mapping[str, object], *, is_able: bool) -> Response:
    headers = {} if is_able else {"Retry-After": "2"}
    return answer_json(body, 200 if is_able else 503, headers)


def _routes(ready: Endpoint, metrics: Endpoint) -> list[PlainRoute]:
    return [
        PlainRoute("/live", _live, include_in_schema=False),
        PlainRoute("/ready", ready, include_in_schema=False),
        PlainRoute("/metrics", metrics, include_in_schema=False),
    ]
