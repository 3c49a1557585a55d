"""One service's lane: units become batches, several of them on their way at once."""

import queue
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

import orjson

from rapport_cli.importing.account import Account
from rapport_cli.importing.courier import PATIENCE_SECONDS, Courier, Item, NotUnderstood
from rapport_cli.importing.engine import Unit
from rapport_cli.importing.hint import LaneHint
from rapport_cli.importing.kinds import FOLLOWERS, Service
from rapport_cli.wire import Access

LINES_MAX: Final = 1_000
BATCH_BYTES_MAX: Final = 1_048_576
IN_FLIGHT: Final = 4
"""Batches on their way at once: as many as a service holds in memory."""
LATE_MAX: Final = 100_000
PROBED: Final = 1_000
PROBE_EVERY: Final = 97
"""Of what an earlier run had sent, the last units and a sample of the others are sent again: it must be there."""
_WAIT_SECONDS: Final = 0.2
_DRAIN_SECONDS: Final = 0.005
_NO_UNIT: Final = -1


class HintWrong(Exception):
    """The service does not know facts that an earlier run had sent: everything must be sent again."""


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
        known: LaneHint | None = None,
        in_flight: int = IN_FLIGHT,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """
        Make a lane, and start its threads.

        Args:
            known: How far an earlier run came; a fact before that which is news now shows that it is wrong.
            in_flight: Batches on their way at once, 1 to 16.
            patience_seconds: How long a batch is repeated.
        """
        known = known or LaneHint()
        self.service: Service = service
        self.outcomes: Counter[str] = Counter()
        self.positions: list[str] = []
        self._account = account
        self._known_until = known.taken
        self._again = known.again
        # Units with a line that was refused, or has to come later: another run sends them again.
        self._unsettled = set(known.again)
        self._queue: queue.Queue[_Batch | None] = queue.Queue(in_flight)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._courier = Courier(service, access, self, self._stop, patience_seconds)
        self._failure: BaseException | None = None
        self._late: list[Item] = []
        self._takes_late = True
        self._batch = _Batch(0, 0, [])
        self._done: dict[int, int] = {}
        self._next_done = 0
        self._taken_until = known.taken
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
        with self._courier.connect() as connection:
            self._courier.carry(connection, [Item(unit, _NO_UNIT, name, line) for name, line in lines])

    def flush(self) -> None:
        """Hand the batch that is being filled to a thread that sends it."""
        batch = self._batch
        if not batch.items:
            return
        self._batch = _Batch(batch.number + 1, batch.end, [])
        # A service carries out a batch in as many steps as it has turns from facts to facts about them: one is enough.
        batch.items.sort(key=lambda item: item.kind in FOLLOWERS)
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

    def taken(self, item: Item, outcome: str) -> None:
        """Count a line that was taken; one that should have been known, and is news, is a failure."""
        with self._lock:
            self.outcomes[outcome] += 1
            self._unsettled.discard(item.index)
        was_sent = _NO_UNIT < item.index < self._known_until and item.index not in self._again
        if was_sent and outcome == "recorded":
            raise HintWrong

    def refused(self, item: Item, code: str, place: str) -> None:
        """Take the line's fact out of the account, and its rows into the error file."""
        if item.index == _NO_UNIT:
            raise NotUnderstood(f"{self.service} refused {item.kind}: {code} {place}".rstrip())
        self._account.reject(item.unit.rows, f"refused_{code}", place)
        self._account.count(item.kind, -1)
        with self._lock:
            self.outcomes["refused"] += 1
            self._unsettled.add(item.index)

    def keeps(self, item: Item) -> bool:
        """Keep a line whose thing is not known yet: it may be in a batch that is still on its way."""
        with self._lock:
            if not self._takes_late or len(self._late) >= LATE_MAX or item.index == _NO_UNIT:
                return False
            self._late.append(item)
            self._unsettled.add(item.index)
            return True

    def reached(self, position: str) -> None:
        """Keep a position."""
        with self._lock:
            self.positions.append(position)

    def _drain(self) -> None:
        while self._queue.unfinished_tasks:
            self._raise_failure()
            time.sleep(_DRAIN_SECONDS)
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
        with self._courier.connect() as connection:
            while not self._stop.is_set() and (batch := self._queue.get()) is not None:
                try:
                    self._courier.carry(connection, batch.items)
                    self._mark_done(batch)
                except Exception as error:  # noqa: BLE001  # whatever it is, the thread that fills the lane must learn it
                    self._failure = self._failure or error
                    self._stop.set()
                finally:
                    self._queue.task_done()

    def _mark_done(self, batch: _Batch) -> None:
        with self._lock:
            self._done[batch.number] = batch.end
            while (end := self._done.pop(self._next_done, None)) is not None:
                self._next_done += 1
                self._taken_until = max(self._taken_until, end)
