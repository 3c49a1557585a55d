"""`POST /v1/commands:batch`: up to a thousand commands as JSON lines, one answer for each, in order."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from rapport_chassis.answers import to_json
from rapport_chassis.auth import Caller
from rapport_chassis.commands import CommandRoute, outcome_of, status_of
from rapport_chassis.desk import Desk
from rapport_chassis.entrance import BATCH_PATH, BODY_BYTES_MAX, correlation_of, traceparent_of
from rapport_chassis.plain_routes import PlainRoute
from rapport_chassis.positions import HEADER
from rapport_chassis.problems import FAULT, Problem, Refused, away, malformed, problem_of
from rapport_chassis.telemetry import APPENDED, COMMANDS
from rapport_events.command import Request as Wish
from rapport_events.errors import Malformed, Refusal
from rapport_events.results import Done, Result
from rapport_events.tracing import traced

LINES_MAX: Final = 1_000
MEDIA_TYPE: Final = "application/x-ndjson"
BATCHES_MAX: Final = 4
"""Batches held in memory at a time; the next ones wait, then are asked to come again."""
TURN_SECONDS_MAX: Final = 10
BODY_SECONDS_MAX: Final = 60

TOO_MANY_LINES: Final = Problem(
    413, "too_many_lines", "A batch has at most 1,000 lines; send the rest in the next one."
)
LINE_TOO_LONG: Final = Problem(413, "too_large", "A line of a batch has at most 1 MiB.")
BODY_TOO_SLOW: Final = Problem(408, "body_too_slow", "The body did not arrive in time.")
BUSY: Final = away("batches_waiting", "Too many batches are under way; repeat this one shortly, with the same keys.")


class CommandUnknown(Malformed):
    """This service has no command of that name."""

    code = "command_unknown"


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    """One line of a batch."""

    command: Annotated[str, msgspec.Meta(max_length=100)]
    body: msgspec.Raw
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


_DECODER = msgspec.json.Decoder(_Line)


@dataclass(frozen=True, slots=True)
class _Wished:
    """A line that is a command."""

    index: int
    wish: Wish


def batch_route(desk: Desk) -> PlainRoute:
    """Return the route."""
    routes = {handler.name: CommandRoute.of(handler) for handler in desk.service.handlers}
    scope = f"{desk.service.name}:write"
    turns = asyncio.Semaphore(BATCHES_MAX)

    async def answer(request: Request) -> Response:
        caller = await desk.admit(request, scope)
        try:
            async with asyncio.timeout(TURN_SECONDS_MAX):
                await turns.acquire()
        except TimeoutError:
            raise Refused(BUSY) from None
        try:
            return await _answer(desk, routes, caller, request)
        finally:
            turns.release()

    return PlainRoute(BATCH_PATH, answer, methods=["POST"], name="commands_batch", include_in_schema=False)


async def _answer(desk: Desk, routes: Mapping[str, CommandRoute], caller: Caller, request: Request) -> Response:
    answers: list[dict[str, object]] = []
    wished: list[_Wished] = []
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            async for line in _lines(request):
                index = len(answers)
                answers.append({})
                try:
                    wished.append(_Wished(index, _wish(line, routes, caller, request)))
                except Refusal as refusal:
                    answers[index] = _refused(refusal)
                except Refused as refused:
                    answers[index] = _no(refused.problem, "invalid")
    except TimeoutError:
        raise Refused(BODY_TOO_SLOW) from None
    facts = {"rapport.commands": len(wished)}
    with traced(desk.service.name, "internal", "append batch", parent=traceparent_of(request.scope), facts=facts):
        results = await _carry_out(desk, [each.wish for each in wished])
    done: list[Done] = []
    for each, result in zip(wished, results, strict=True):
        if isinstance(result, Done):
            done.append(result)
            answers[each.index] = _granted(result)
        else:
            answers[each.index] = _refused(result) if isinstance(result, Refusal) else _no(result, "invalid")
    _count(desk, wished, answers)
    body = b"\n".join(to_json(each) for each in answers) + (b"\n" if answers else b"")
    APPENDED.labels(desk.service.name).inc(sum(len(each.event_ids) for each in done if not each.repeated))
    headers = {HEADER: await desk.token_of(done)} if done else {}
    return Response(body, headers=headers, media_type=MEDIA_TYPE)


async def _lines(request: Request) -> AsyncIterator[bytes]:
    """Yield the lines of a body as they come in, within the limits; empty ones are passed over."""
    rest = b""
    count = 0
    async for chunk in request.stream():
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > BODY_BYTES_MAX:
            raise Refused(LINE_TOO_LONG)
        for line in filter(bytes.strip, lines):
            count += 1
            if count > LINES_MAX:
                raise Refused(TOO_MANY_LINES)
            yield line
    if rest.strip():
        if count == LINES_MAX:
            raise Refused(TOO_MANY_LINES)
        yield rest


def _wish(line: bytes, routes: Mapping[str, CommandRoute], caller: Caller, request: Request) -> Wish:
    if len(line) > BODY_BYTES_MAX:
        raise Refused(LINE_TOO_LONG)
    try:
        said = _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        fault = {"loc": (), "type": "line", "msg": 'A line is {"command": …, "key": …, "body": {…}}.'}
        raise Refused(malformed([fault])) from error
    route = routes.get(said.command)
    if route is None:
        raise CommandUnknown
    body = bytes(said.body)
    return Wish(
        tenant=caller.tenant,
        actor=caller.subject,
        handler=route.handler,
        command=route.read(body),
        correlation_id=correlation_of(request.scope),
        key=said.key,
        body=body,
        traceparent=traceparent_of(request.scope),
    )


async def _carry_out(desk: Desk, wishes: Sequence[Wish]) -> Sequence[Result | Problem]:
    """Carry out all at once; where one of them breaks the group, each alone, so that its neighbours go on."""
    if not wishes:
        return []
    executor = desk.store.executor
    try:
        return await executor.execute(wishes)
    except Exception as error:
        problem = problem_of(error)
        # What is away is away for all: the whole batch is to be repeated. Without a name of its own a wish that was
        # carried out before the break would be carried out twice.
        if len(wishes) == 1 or (problem is not None and problem.is_passing) or not all(map(_is_named, wishes)):
            raise
    results: list[Result | Problem] = []
    for wish in wishes:
        try:
            results += await executor.execute([wish])
        except Exception as error:
            problem = problem_of(error)
            if problem is not None and problem.is_passing:
                raise
            results.append(problem or FAULT)
    return results


def _is_named(wish: Wish) -> bool:
    return wish.key is not None or wish.handler.external(wish.command) is not None


def _granted(done: Done) -> dict[str, object]:
    return {
        "status": status_of(done),
        "outcome": outcome_of(done),
        "stream": done.stream,
        "id": done.id,
        "version": done.version,
        "event_ids": done.event_ids,
        "positions": [(place.partition, place.position) for place in done.places],
    }


def _refused(refusal: Refusal) -> dict[str, object]:
    problem = problem_of(refusal) or FAULT
    return _no(problem, "invalid" if isinstance(refusal, Malformed) else "refused")


def _no(problem: Problem, outcome: str) -> dict[str, object]:
    return {"status": problem.status, "outcome": outcome, "problem": problem.members()}


def _count(desk: Desk, wished: Sequence[_Wished], answers: Sequence[Mapping[str, object]]) -> None:
    name = desk.service.name
    for (command, outcome), count in Counter(
        (each.wish.handler.name, str(answers[each.index]["outcome"])) for each in wished
    ).items():
        COMMANDS.labels(name, command, outcome).inc(count)
