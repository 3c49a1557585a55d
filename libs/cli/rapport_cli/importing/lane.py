"""One service's lane: units become batches, several on their way at once, each sent until it was answered."""

import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import orjson

from rapport_cli.importing.account import Account
from rapport_cli.importing.engine import Unit
from rapport_cli.importing.hint import LaneHint
from rapport_cli.importing.kinds import Service
from rapport_cli.wire import Access, Answer, Connection, NotAllowed, Unreachable

LINES_MAX: Final = 1_000
BATCH_BYTES_MAX: Final = 1_048_576
IN_FLIGHT: Final = 4
LATE_MAX: Final = 100_000
PATH: Final = "/v1/commands:batch"
MEDIA_TYPE: Final = "application/x-ndjson"
PAUSE_SECONDS_MIN: Final = 0.2
PAUSE_SECONDS_MAX: Final = 5.0
PATIENCE_SECONDS: Final = 120.0
"""How long a batch is repeated before the import gives up; the same command later continues."""
PROBED: Final = 1_000
PROBE_EVERY: Final = 97
"""Of what an earlier run had sent, the last units and a sample of the others are sent again, to see that it is there."""
TRIES_OF_A_FAULT: Final = 3
_AGAIN_STATUSES: Final = frozenset({408, 425, 429, 502, 503, 504})
_ONE_LINES_FAULT: Final = frozenset({413, 500})
_WAIT_SECONDS = 0.2
_NO_UNIT: Final = -1


class GaveUp(Exception):
    """A service took no facts for too long; what was sent is kept, and the same import continues."""


class NotUnderstood(Exception):
    """A service refused a whole batch; the message says with which code."""


class HintWrong(Exception):
    """The service does not know facts that an earlier run had sent: everything must be sent again."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line on its way."""

    unit: Unit
    index: int
    """Number of its unit in the lane."""
    kind: str
    line: bytes


@dataclass(slots=True)
class _Batch:
    number: int
    end: int
    """Number of the unit after its last one."""
    items: list[Item]
    size: int = 0


class Lane:
    """Sends the units of one service; `put` waits while enough is on its way."""

    def __init__(
        self,
        service: Service,
        access: Access,
        account: Account,
        *,
        known_until: int = 0,
        again: frozenset[int] = frozenset(),
        in_flight: int = IN_FLIGHT,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """
        Make a lane.

        Args:
            known_until: Units below this number were taken in an earlier run; one that is news now is a wrong hint.
            again: Units below it that were refused then.
            in_flight: Batches on their way at once, 1 to 16.
            patience_seconds: How long a batch is repeated.
        """
        self.service = service
        self.outcomes: Counter[str] = Counter()
        self.positions: list[str] = []
        # Units with a line that was refused, or has to come later: another run sends them again.
        self._unsettled: set[int] = set(again)
        self._access = access
        self._account = account
        self._known_until = known_until
        self._again = again
        self._patience_seconds = patience_seconds
        self._queue: queue.Queue[_Batch | None] = queue.Queue(in_flight)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._late: list[Item] = []
        self._takes_late = True
        self._batch = _Batch(0, 0, [])
        self._done: dict[int, int] = {}
        self._next_done = 0
        self._taken_until = known_until
        self._workers = [threading.Thread(target=self._work, daemon=True) for _ in range(in_flight)]
        for worker in self._workers:
            worker.start()

    @property
    def hint(self) -> LaneHint:
        """How far the service has answered without a gap, and what another run must send again."""
        with self._lock:
            return LaneHint(self._taken_until, frozenset(self._unsettled))

    @property
    def answered(self) -> int:
        """Lines that were answered."""
        return self.outcomes.total()

    def put(self, unit: Unit, index: int) -> None:
        """
        Send a unit with the next batch; units come in the order of their numbers.

        Raises:
            GaveUp, NotAllowed, NotUnderstood, HintWrong: The lane has failed.
        """
        if index < self._known_until - PROBED and index % PROBE_EVERY and index not in self._again:
            return
        batch = self._batch
        size = sum(len(line) + 1 for _, line in unit.lines)
        if batch.items and (len(batch.items) + len(unit.lines) > LINES_MAX or batch.size + size > BATCH_BYTES_MAX):
            self.flush()
            batch = self._batch
        batch.items += [Item(unit, index, kind, line) for kind, line in unit.lines]
        batch.size += size
        batch.end = index + 1

    def tell(self, *commands: dict[str, object]) -> None:
        """
        Send commands about the import itself, and wait for the answers.

        Raises:
            GaveUp, NotAllowed, NotUnderstood: They were not taken.
        """
        lines = tuple((str(command["command"]), orjson.dumps(command)) for command in commands)
        unit = Unit(self.service, lines, ())
        connection = Connection(self._access.base_of(self.service), lambda: self._access.token)
        self._carry(connection, [Item(unit, _NO_UNIT, name, line) for name, line in lines])
        connection.close()

    def flush(self) -> None:
        """Hand the batch that is being filled to a worker."""
        batch = self._batch
        if not batch.items:
            return
        self._batch = _Batch(batch.number + 1, batch.end, [])
        while True:
            self._raise_failure()
            try:
                self._queue.put(batch, timeout=_WAIT_SECONDS)
            except queue.Full:
                continue
            return

    def finish(self) -> None:
        """Send what is left, then what had come too early, and wait for the answers."""
        self.flush()
        self._drain()
        with self._lock:
            late, self._late, self._takes_late = self._late, [], False
        for item in late:
            if len(self._batch.items) >= LINES_MAX:
                self.flush()
            self._batch.items.append(item)
        self.flush()
        self._drain()
        self._end()

    def abort(self) -> None:
        """Stop as soon as the requests under way were answered or failed."""
        self._stop.set()
        self._end()

    def _drain(self) -> None:
        while self._queue.unfinished_tasks:
            self._raise_failure()
            time.sleep(0.005)
        self._raise_failure()

    def _end(self) -> None:
        for _ in self._workers:
            try:
                self._queue.put(None, timeout=_WAIT_SECONDS)
            except queue.Full:
                self._stop.set()
        for worker in self._workers:
            worker.join(timeout=_WAIT_SECONDS)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        connection = Connection(self._access.base_of(self.service), lambda: self._access.token)
        while not self._stop.is_set() and (batch := self._queue.get()) is not None:
            try:
                self._carry(connection, batch.items)
                self._mark_done(batch)
            except Exception as error:  # noqa: BLE001  # whatever it is, the thread that fills the lane must learn it
                self._failure = self._failure or error
                self._stop.set()
            finally:
                self._queue.task_done()
        connection.close()

    def _mark_done(self, batch: _Batch) -> None:
        with self._lock:
            self._done[batch.number] = batch.end
            while (end := self._done.pop(self._next_done, None)) is not None:
                self._next_done += 1
                self._taken_until = max(self._taken_until, end)

    def _carry(self, connection: Connection, items: Sequence[Item]) -> None:
        """Send lines until each was answered; only those without an answer are repeated."""
        deadline = time.monotonic() + self._patience_seconds
        pause, faults = PAUSE_SECONDS_MIN, 0
        rest = list(items)
        while rest:
            answer, cause = self._send(connection, rest)
            if answer is not None and answer.status == 200:
                left = self._settle(rest, answer)
                if len(left) < len(rest):
                    deadline, pause = time.monotonic() + self._patience_seconds, PAUSE_SECONDS_MIN
                rest = left
                if not rest:
                    return
            elif answer is not None and answer.status in _ONE_LINES_FAULT:
                if len(rest) > 1:
                    # One line may be the cause: halves find it, and the others pass.
                    self._carry(connection, rest[: len(rest) // 2])
                    rest = rest[len(rest) // 2 :]
                    continue
                faults += 1
                if faults == TRIES_OF_A_FAULT or answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                    self._refuse(rest[0], answer.code, "")
                    return
            self._pause(max(pause, _retry_after(answer)), deadline, cause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)

    def _send(self, connection: Connection, items: Sequence[Item]) -> tuple[Answer | None, str]:
        """Send lines once; return the answer and what to say if it stays like that."""
        try:
            answer = connection.post(PATH, b"\n".join([item.line for item in items]), MEDIA_TYPE)
        except Unreachable as error:
            return None, str(error)
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise NotAllowed(f"{self.service} does not take the token ({answer.code})")
        if answer.status != HTTPStatus.OK and answer.status not in _AGAIN_STATUSES | _ONE_LINES_FAULT:
            raise NotUnderstood(f"{self.service} answered {answer.status} ({answer.code}) to a batch")
        return answer, f"it answered {answer.status}"

    def _pause(self, seconds: float, deadline: float, cause: str) -> None:
        if time.monotonic() > deadline:
            raise GaveUp(f"{self.service} takes no facts: {cause}")
        if self._stop.wait(seconds * random.uniform(0.8, 1.2)):  # noqa: S311  # spreads callers, keeps no secret
            raise GaveUp("stopped")

    def _settle(self, items: Sequence[Item], answer: Answer) -> list[Item]:
        """Take the answers; return the lines that must be sent again."""
        lines = answer.body.splitlines()
        if len(lines) != len(items):
            raise NotUnderstood(f"{self.service} gave {len(lines)} answers to {len(items)} lines")
        again: list[Item] = []
        outcomes: Counter[str] = Counter()
        for item, line in zip(items, lines, strict=True):
            said = orjson.loads(line)
            status = said["status"]
            if status < HTTPStatus.MULTIPLE_CHOICES:
                outcomes[said["outcome"]] += 1
                self._take(item, said["outcome"])
                continue
            problem = said.get("problem") or {}
            code = str(problem.get("code", f"http_{status}"))
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code == "version_race":
                again.append(item)
            elif code == "not_found" and self._keep_late(item):
                continue
            else:
                errors = problem.get("errors") or [{}]
                self._refuse(item, code, str(errors[0].get("pointer", "")))
                outcomes["refused"] += 1
        with self._lock:
            self.outcomes.update(outcomes)
            if position := answer.headers.get("rapport-position"):
                self.positions.append(position)
        return again

    def _take(self, item: Item, outcome: str) -> None:
        if item.index in self._unsettled:
            with self._lock:
                self._unsettled.discard(item.index)
        elif _NO_UNIT < item.index < self._known_until and outcome == "recorded":
            raise HintWrong

    def _keep_late(self, item: Item) -> bool:
        """Keep a line whose thing is not known yet: it may be in a batch that is still on its way."""
        with self._lock:
            if not self._takes_late or len(self._late) >= LATE_MAX or item.index == _NO_UNIT:
                return False
            self._late.append(item)
            self._unsettled.add(item.index)
            return True

    def _refuse(self, item: Item, code: str, place: str) -> None:
        if item.index == _NO_UNIT:
            raise NotUnderstood(f"{self.service} refused {item.kind}: {code} {place}".rstrip())
        self._account.reject(item.unit.rows, f"refused_{code}", place)
        self._account.count(item.kind, -1)
        with self._lock:
            self._unsettled.add(item.index)


def _retry_after(answer: Answer | None) -> float:
    text = answer.headers.get("retry-after", "") if answer is not None else ""
    return min(float(text), PAUSE_SECONDS_MAX) if text.isdecimal() else 0.0
