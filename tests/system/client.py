"""A caller of a whole suite: one tenant, one token, every service under its own address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

Json = dict[str, Any]

OK = 200
_ANSWER_SECONDS = 20
POSITION = "Rapport-Position"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Granted:
    """What a command answered."""

    status: int
    id: str
    body: Json
    position: str
    """A read with `?after=` this shows it; empty where nothing was recorded."""


class Client:
    """Calls the services of one suite as one person."""

    def __init__(self, urls: Mapping[str, str], token: str) -> None:
        """
        Make a caller.

        Args:
            urls: By service.
            token: Tells who calls, for which tenant, and what they may do.
        """
        self._urls = urls
        self._http = httpx.AsyncClient(
            headers={"authorization": f"Bearer {token}"}, timeout=_ANSWER_SECONDS, trust_env=False
        )

    async def __aenter__(self) -> Self:
        """Begin to call."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def get(self, service: str, path: str, **parameters: str | int) -> httpx.Response:
        """Ask something; whatever the answer is."""
        return await self._http.get(self._urls[service] + path, params=parameters)

    async def get_stream(self, service: str, path: str, **parameters: str | int) -> str:
        """Ask for server-sent events, and return all that come until the stream ends."""
        headers = {"accept": "text/event-stream"}
        return (await self._http.get(self._urls[service] + path, params=parameters, headers=headers)).text

    async def read(self, service: str, path: str, **parameters: str | int) -> Json:
        """Ask something that must be answered."""
        answer = await self.get(service, path, **parameters)
        assert answer.status_code == OK, f"{service} {path}: {answer.status_code} {answer.text}"
        found: Json = answer.json()
        return found

    async def post(self, service: str, path: str, body: Mapping[str, object], **headers: str) -> httpx.Response:
        """Wish something; whatever the answer is. Underscores in names of headers become dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._http.post(self._urls[service] + path, json=dict(body), headers=named)

    async def wish(self, service: str, path: str, body: Mapping[str, object], **headers: str) -> Granted:
        """Wish something that must be granted."""
        answer = await self.post(service, path, body, **headers)
        assert answer.status_code in {200, 201}, f"{service} {path}: {answer.status_code} {answer.text}"
        found: Json = answer.json()
        return Granted(answer.status_code, str(found["id"]), found, answer.headers.get(POSITION, ""))

    async def batch(self, service: str, lines: Sequence[Mapping[str, object]]) -> list[Json]:
        """Send commands at a time; returns one answer for each, in order."""
        body = b"\n".join(orjson.dumps(line) for line in lines)
        answer = await self.send(service, "/v1/commands:batch", body, NDJSON)
        assert answer.status_code == OK, f"{service}: {answer.status_code} {answer.text}"
        return [orjson.loads(line) for line in answer.content.splitlines()]

    async def send(self, service: str, path: str, content: bytes, media_type: str) -> httpx.Response:
        """Send bytes as they are; whatever the answer is."""
        headers = {"content-type": media_type}
        return await self._http.post(self._urls[service] + path, content=content, headers=headers)

    async def is_answered(self, service: str, path: str) -> bool:
        """Say whether a service answers a question; one that is not there does not."""
        try:
            return (await self.get(service, path)).status_code == OK
        except httpx.TransportError:
            return False
