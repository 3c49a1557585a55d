"""Group commit: requests of concurrent callers share one transaction."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from rapport_events.ledger import Outcome
from rapport_events.packing import Request

EVENTS_MAX = 2_000
"""Events in one group; 10,000 were no faster."""
BYTES_MAX = 16 * 1024 * 1024
CALLS_WAITING_MAX = 1_000
SECONDS_MAX = 30
"""How long a caller waits for an answer, waiting in line included."""

Answer = Outcome | Exception
Send = Callable[[Sequence[Request]], Awaitable[list[Answer]]]


@dataclass(slots=True)
class _Call:
    requests: Sequence[Request]
    events: int
    bytes: int
    ends_at: float
    answers: asyncio.Future[list[Answer]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Grouper:
    """Collects what arrives while the last group is on its way, and sends it as the next."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._line: asyncio.Queue[_Call | None] = asyncio.Queue(CALLS_WAITING_MAX)
        self._held: _Call | None = None
        # One timer, for the oldest of all calls: one for each would cost as much as all else here.
        self._unanswered: deque[_Call] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def append(self, requests: Sequence[Request]) -> list[Outcome]:
        """
        Wait in line, be sent with others, and return one outcome for each request.

        Raises:
            TimeoutError: There was no answer in time; the requests may be appended or not.
        """
        outcomes: list[Outcome] = []
        failed: Exception | None = None
        calls = _calls(requests, asyncio.get_running_loop().time() + SECONDS_MAX)
        for call in calls:
            await self._join(call)
        for call in calls:
            for answer in await call.answers:
                if isinstance(answer, Exception):
                    failed = failed or answer
                else:
                    outcomes.append(answer)
        if failed is not None:
            raise failed
        return outcomes

    async def run(self) -> None:
        """Send group after group until `stop`; when it is cancelled, so are those who wait."""
        group: list[_Call] = []
        try:
            while group := await self._next_group():
                await self._carry(group)
        finally:
            if self._held is not None:
                group.append(self._held)
            while not self._line.empty():
                group.extend(call for call in [self._line.get_nowait()] if call is not None)
            for call in group:
                call.answers.cancel()
            if self._timer is not None:
                self._timer.cancel()

    async def stop(self) -> None:
        """Take no more calls and let `run` end when those in line are answered."""
        await self._line.put(None)

    async def _join(self, call: _Call) -> None:
        if self._line.full():
            async with asyncio.timeout_at(call.ends_at):
                await self._line.put(call)
        else:
            self._line.put_nowait(call)
        self._unanswered.append(call)
        if self._timer is None:
            self._watch()

    def _watch(self) -> None:
        """Give up on calls that waited too long, and come again when the next one will have."""
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._unanswered and (self._unanswered[0].answers.done() or self._unanswered[0].ends_at <= loop.time()):
            call = self._unanswered.popleft()
            if not call.answers.done():
                call.answers.set_result([TimeoutError() for _ in call.requests])
        if self._unanswered:
            self._timer = loop.call_at(self._unanswered[0].ends_at, self._watch)

    async def _carry(self, group: list[_Call]) -> None:
        requests = [request for call in group for request in call.requests]
        answers: list[Answer]
        try:
            answers = await self._send(requests)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            answers = [error for _ in requests]
        begin = 0
        for call in group:
            end = begin + len(call.requests)
            if not call.answers.done():
                call.answers.set_result(answers[begin:end])
            begin = end
        while self._unanswered and self._unanswered[0].answers.done():
            self._unanswered.popleft()

    async def _next_group(self) -> list[_Call]:
        """Take what waits in line, within limits."""
        first = self._held or await self._line.get()
        self._held = None
        if first is None:
            return []
        # Callers who have just got their answers first get a chance to call again; else groups would be halves.
        await asyncio.sleep(0)
        group, events, size = [first], first.events, first.bytes
        while not self._line.empty():
            call = self._line.get_nowait()
            if call is None:
                await self._line.put(None)
                break
            events, size = events + call.events, size + call.bytes
            if events > EVENTS_MAX or size > BYTES_MAX:
                self._held = call
                break
            group.append(call)
        return group


def _calls(requests: Sequence[Request], ends_at: float) -> list[_Call]:
    """Weigh a call, and split one that is larger than a group may be."""
    calls: list[_Call] = []
    part: list[Request] = []
    events = size = 0
    for request in requests:
        weight = [len(event.data) for stream in request[1].streams for event in stream.events]
        if part and (events + len(weight) > EVENTS_MAX or size + sum(weight) > BYTES_MAX):
            calls.append(_Call(part, events, size, ends_at))
            part, events, size = [], 0, 0
        part.append(request)
        events, size = events + len(weight), size + sum(weight)
    calls.append(_Call(part, events, size, ends_at))
    return calls
