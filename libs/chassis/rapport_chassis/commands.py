"""The routes of commands: each handler is a POST that checks, carries out and answers one wish."""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast

import orjson
from pydantic import TypeAdapter
from starlette.types import Receive, Scope, Send

from rapport_chassis.answers import to_json
from rapport_chassis.desk import Desk
from rapport_chassis.entrance import correlation_of, headers_of, traceparent_of
from rapport_chassis.plain_routes import PlainRoute
from rapport_chassis.positions import HEADER
from rapport_chassis.problems import NOT_JSON, Problem, Refused, problem_of
from rapport_chassis.telemetry import APPEND_SECONDS, APPENDED, COMMANDS
from rapport_events.command import Command, Handler, Request as Wish
from rapport_events.errors import Malformed, Refusal, Stale
from rapport_events.results import Done, Result
from rapport_events.tracing import traced

_POSITION: Final = HEADER.lower().encode()
_KEY = re.compile(r"[!-~]{1,200}")
_ETAG = re.compile(r'"(\d{1,10})"')
_PARAMETER = re.compile(r"{(\w+)}")
_COLLECTION = re.compile(r"/v1/[^/{}]+")

IF_MATCH_REQUIRED: Final = Problem(
    428,
    "if_match_required",
    "This command is decided against a version: send If-Match with the ETag that you have seen.",
)


class KeyUnusable(Malformed):
    """An Idempotency-Key is one to 200 visible ASCII characters."""

    code = "idempotency_key_unusable"


class IfMatchUnusable(Malformed):
    """If-Match is one strong ETag as an answer gave it, or *."""

    code = "if_match_unusable"


class WeakNeverMatches(Stale):
    """A weak ETag never matches; send the ETag as an answer gave it."""

    code = "weak_etag"


@dataclass(frozen=True, slots=True)
class CommandRoute:
    """One command as HTTP takes it: the handler, the checker of its body, and the names that it may speak of."""

    handler: Handler[Any, Any]
    adapter: TypeAdapter[Any]
    known: frozenset[str]
    parameters: tuple[str, ...]
    begins: bool
    """Whether its route is that of a collection, so that what it makes lies under it."""

    @classmethod
    def of(cls, handler: Handler[Any, Any]) -> "CommandRoute":
        """Prepare a handler."""
        adapter: TypeAdapter[Any] = TypeAdapter(handler.command)
        parameters = tuple(_PARAMETER.findall(handler.route))
        begins = _COLLECTION.fullmatch(handler.route) is not None
        return cls(handler, adapter, frozenset(_names(adapter.json_schema())), parameters, begins)

    def read(self, body: bytes) -> Command:
        """
        Check a body.

        Raises:
            Refused: It is not this command.
        """
        try:
            command: Command = self.adapter.validate_json(body)
        except ValueError as error:
            raise Refused(problem_of(error, self.known) or NOT_JSON) from error
        return command


class CommandApp:
    """ASGI: one command's route; nothing of a web framework stands between the request and the decision."""

    def __init__(self, desk: Desk, route: CommandRoute) -> None:
        service, name = desk.service, route.handler.name
        self._desk = desk
        self._route = route
        self._scope = f"{service.name}:write"
        self._span = f"append {name}"
        self._needs_if_match = name in service.needs_if_match
        self._seconds = APPEND_SECONDS.labels(service.name)
        self._appended = APPENDED.labels(service.name)
        self._outcomes = {outcome: COMMANDS.labels(service.name, name, outcome) for outcome in OUTCOMES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, carry out and answer one wish."""
        headers = headers_of(scope)
        caller = await self._desk.admit_bearer(headers.get(b"authorization", b"").decode("latin-1"), self._scope)
        body = await _body(receive)
        if self._route.parameters:
            body = _with_parameters(body, scope["path_params"])
        match = headers.get(b"if-match")
        if match is None and self._needs_if_match:
            raise Refused(IF_MATCH_REQUIRED)
        command, key = self._route.read(body), key_of(headers.get(b"idempotency-key"))
        with traced(self._desk.service.name, "internal", self._span, parent=traceparent_of(scope)) as traceparent:
            wish = Wish(
                tenant=caller.tenant,
                actor=caller.subject,
                handler=self._route.handler,
                command=command,
                correlation_id=correlation_of(scope),
                key=key,
                body=body,
                expected_version=expected_of(match) if match is not None else None,
                traceparent=traceparent,
            )
            began_at = time.perf_counter()
            (result,) = await self._desk.store.executor.execute([wish])
            self._seconds.observe(time.perf_counter() - began_at)
        self._outcomes[outcome_of(result)].inc()
        if not isinstance(result, Done):
            raise result
        if not result.repeated:
            self._appended.inc(len(result.event_ids))
        await self._grant(result, send)

    async def _grant(self, done: Done, send: Send) -> None:
        """Answer a wish that was granted; a repeat gets the very answer of the first time."""
        thing = done.id
        body = to_json({"id": thing, "stream": done.stream, "version": done.version, "event_ids": done.event_ids})
        status = status_of(done)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"etag", b'"%d"' % done.version),
            (_POSITION, (await self._desk.token_of([done])).encode()),
        ]
        if status == HTTPStatus.CREATED and self._route.begins:
            headers.append((b"location", f"{self._route.handler.route}/{thing}".encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def command_routes(desk: Desk) -> list[PlainRoute]:
    """Return one POST route for each handler of the service; their documentation is made in `openapi.py`."""
    return [
        PlainRoute(
            handler.route,
            CommandApp(desk, CommandRoute.of(handler)),
            methods=["POST"],
            name=handler.name,
            include_in_schema=False,
        )
        for handler in desk.service.handlers
    ]


OUTCOMES: Final = ("recorded", "repeated", "nothing_new", "refused", "invalid")


def outcome_of(result: Result) -> str:
    """Return in one word what became of a command."""
    if isinstance(result, Refusal):
        return "refused"
    if result.repeated:
        return "repeated"
    return "recorded" if result.event_ids else "nothing_new"


def status_of(done: Done) -> int:
    """Return 201 where the command began its stream, 200 where it changed or found one."""
    return HTTPStatus.CREATED if done.event_ids and done.version == len(done.event_ids) else HTTPStatus.OK


def key_of(header: bytes | None) -> str | None:
    """
    Return an idempotency key; the quotes that the header's draft asks for are optional.

    Raises:
        KeyUnusable: It is empty, too long, or not visible ASCII.
    """
    if header is None:
        return None
    value = header.decode("latin-1")
    key = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    if not _KEY.fullmatch(key):
        raise KeyUnusable
    return key


def expected_of(match: bytes) -> int | None:
    """
    Return the version that If-Match asks for; None for `*`, any version of what exists.

    Raises:
        WeakNeverMatches: The ETag is weak.
        IfMatchUnusable: It is no ETag of ours.
    """
    value = match.decode("latin-1").strip()
    if value == "*":
        return None
    if value.startswith("W/"):
        raise WeakNeverMatches
    found = _ETAG.fullmatch(value)
    if found is None:
        raise IfMatchUnusable
    return int(found[1])


async def _body(receive: Receive) -> bytes:
    """Return the whole body, whose size and time are bounded at the entrance."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return cast("bytes", message.get("body", b""))
    parts: list[bytes] = []
    while message["type"] == "http.request":
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
    raise Refused(NOT_JSON)


def _with_parameters(body: bytes, parameters: Mapping[str, Any]) -> bytes:
    """Add the route's parameters at the end, where they win over members of the same name."""
    text = body.strip()
    if not text.startswith(b"{") or not text.endswith(b"}"):
        if text:
            raise Refused(NOT_JSON)
        text = b"{}"
    rest = text[:-1].rstrip()
    added = orjson.dumps(dict(parameters))[1:]
    return rest + (b"," if rest != b"{" else b"") + added


def _names(schema: object) -> Iterator[str]:
    """Yield all member names in a JSON schema."""
    if isinstance(schema, dict):
        parts = cast("dict[str, object]", schema)
        yield from cast("dict[str, object]", parts.get("properties", {}))
        for part in parts.values():
            yield from _names(part)
    elif isinstance(schema, list):
        for part in cast("list[object]", schema):
            yield from _names(part)
