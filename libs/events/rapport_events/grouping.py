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
BESIDE_MIN = 32
"""Events that are worth a group of their own beside another; two of 16 were slower than one of 32."""
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
    """
    Collects what arrives while groups are on their way, and sends it as the next.

    With two ways, Python prepares one group while PostgreSQL writes the other.
    """

    def __init__(self, ways: Sequence[Send]) -> None:
        """
        Begin with nobody in line.

        Args:
            ways: What carries groups, each one at a time.
        """
        self._ways = [*ways]
        self._is_shared = len(ways) > 1
        self._line: deque[_Call] = deque()
        self._room = asyncio.Semaphore(CALLS_WAITING_MAX)
        self._news = asyncio.Event()
        self._is_stopping = False
        # Events in line, and on their way.
        self._waiting = 0
        self._under_way = 0
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
        # One part after the other: on two ways at once they could be decided in another order.
        for call in _calls(requests, asyncio.get_running_loop().time() + SECONDS_MAX):
            await self._join(call)
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
        try:
            async with asyncio.TaskGroup() as tasks:
                while await self._can_go_on():
                    tasks.create_task(self._carry(self._next_group(), self._ways.pop()))
        finally:
            for call in self._unanswered:
                call.answers.cancel()
            if self._timer is not None:
                self._timer.cancel()

    async def stop(self) -> None:
        """Take no more calls and let `run` end when those in line are answered."""
        self._is_stopping = True
        self._news.set()

    async def _join(self, call: _Call) -> None:
        if self._room.locked():
            async with asyncio.timeout_at(call.ends_at):
                await self._room.acquire()
        else:
            await self._room.acquire()
        if self._is_stopping:
            msg = "nothing is appended any more"
            raise RuntimeError(msg)
        self._line.append(call)
        self._waiting += call.events
        self._unanswered.append(call)
        if self._timer is None:
            self._watch()
        if self._is_ready():
            self._news.set()

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

    async def _carry(self, group: list[_Call], send: Send) -> None:
        requests = [request for call in group for request in call.requests]
        answers: list[Answer]
        try:
            answers = await send(requests)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            answers = [error for _ in requests]
        begin = 0
        for call in group:
            end = begin + len(call.requests)
            if not call.answers.done():
                call.answers.set_result(answers[begin:end])
            begin = end
            self._under_way -= call.events
        while self._unanswered and self._unanswered[0].answers.done():
            self._unanswered.popleft()
        self._ways.append(send)
        self._news.set()

    async def _can_go_on(self) -> bool:
        """Wait until a group can go; False when all who were in line before `stop` have gone."""
        while self._line or not self._is_stopping:
            await self._news.wait()
            self._news.clear()
            # Callers who have just got their answers first get a chance to call again; else groups would be halves.
            await asyncio.sleep(0)
            if self._is_ready():
                return True
        return False

    def _is_ready(self) -> bool:
        """Say whether a group can go; beside another one only when it is as large, for small ones cost most."""
        if not self._line or not self._ways:
            return False
        return not self._under_way or self._waiting >= max(BESIDE_MIN, self._under_way)

    def _next_group(self) -> list[_Call]:
        """Take what waits in line, within limits, and no more than half of all where two groups can go."""
        known = self._waiting + self._under_way
        share = (known + 1) // 2 if self._is_shared and known >= 2 * BESIDE_MIN else known
        group: list[_Call] = []
        events = size = 0
        while self._line and (not group or events < share):
            call = self._line[0]
            if group and (events + call.events > EVENTS_MAX or size + call.bytes > BYTES_MAX):
                break
            group.append(self._line.popleft())
            self._room.release()
            events, size = events + call.events, size + call.bytes
        self._waiting -= events
        self._under_way += events
        if self._is_ready():
            self._news.set()
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
