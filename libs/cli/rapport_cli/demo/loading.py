"""Send lives to the services: each customer's lines in one batch and in order, several batches on their way at once."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Final

import orjson

from rapport_cli.demo.story import Life, Line
from rapport_cli.importing.courier import PATIENCE_SECONDS, Courier, Item, NotUnderstood
from rapport_cli.importing.engine import Unit
from rapport_cli.importing.kinds import SERVICES, Service
from rapport_cli.importing.progress import Progress
from rapport_cli.wire import Access, Connection

LINES_MAX: Final = 500
CHUNK: Final = 1_000
"""Customers in memory at a time."""
IN_FLIGHT: Final = 4
"""Batches on their way at once, of both services together."""


class Counting:
    """Counts what became of lines; called by several threads."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self._lock = threading.Lock()

    def taken(self, item: Item, outcome: str) -> None:
        """See `Sender.taken`."""
        del item
        with self._lock:
            self.outcomes[outcome] += 1

    def refused(self, item: Item, code: str, place: str) -> None:
        """See `Sender.refused`; what we made up ourselves is always good."""
        raise NotUnderstood(f"{item.unit.service} refused {item.kind}: {code} {place}".rstrip())

    def keeps(self, item: Item) -> bool:
        """See `Sender.keeps`; what a line needs stands before it."""
        del item
        return False

    def reached(self, position: str) -> None:
        """See `Sender.reached`; how far readers are is asked for later."""


class Loader:
    """Carries batches of both services."""

    def __init__(self, access: Access) -> None:
        self.counting = Counting()
        self._stop = threading.Event()
        self._couriers = {name: Courier(name, access, self.counting, self._stop, PATIENCE_SECONDS) for name in SERVICES}
        self._connections = threading.local()
        self._pool = ThreadPoolExecutor(IN_FLIGHT, "demo")
        self._under_way: set[Future[None]] = set()

    def load(self, beginning: Sequence[Line], lives: Iterable[Life], progress: Progress) -> Counter[str]:
        """
        Send everything, and return how many lines were recorded, repeated or no news.

        Args:
            beginning: Lines for contacts that must be there before all others.

        Raises:
            GaveUp, NotAllowed, NotUnderstood: Something was not taken; the same call continues.
        """
        try:
            self._send_all("contacts", [beginning], progress, 0)
            for number, some in enumerate(_chunks(lives)):
                # Who somebody is comes first: a stage that follows from a consent is not taken back for a later one.
                for turn, service in enumerate(SERVICES):
                    done = number * CHUNK + turn * len(some) // len(SERVICES)
                    self._send_all(service, [life.of(service) for life in some], progress, done)
        finally:
            self._stop.set()
            self._pool.shutdown(cancel_futures=True)
        return self.counting.outcomes

    def _send_all(self, service: Service, told: Iterable[Sequence[Line]], progress: Progress, done: int) -> None:
        """Send what is told of some customers, and wait for the answers; so many customers were done before."""
        batch: list[Item] = []
        for number, lines in enumerate(told):
            if len(batch) + len(lines) > LINES_MAX:
                self._send(service, batch)
                progress.at(done + number // len(SERVICES))
                batch = []
            batch += _items(service, lines)
        self._send(service, batch)
        self._wait_for(0)

    def _send(self, service: Service, items: list[Item]) -> None:
        if items:
            self._wait_for(IN_FLIGHT)
            self._under_way.add(self._pool.submit(self._carry, service, items))

    def _wait_for(self, most: int) -> None:
        """Wait until at most so many batches less one (or none) are under way."""
        while self._under_way and len(self._under_way) >= most:
            done, self._under_way = wait(self._under_way, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()

    def _carry(self, service: Service, items: list[Item]) -> None:
        own: dict[str, Connection] = self._connections.__dict__
        if service not in own:
            own[service] = self._couriers[service].connect()
        self._couriers[service].carry(own[service], items)


def _chunks(lives: Iterable[Life]) -> Iterator[list[Life]]:
    rest = iter(lives)
    while some := list(islice(rest, CHUNK)):
        yield some


def _items(service: Service, lines: Sequence[Line]) -> list[Item]:
    told = tuple((str(line["command"]), orjson.dumps(line)) for line in lines)
    unit = Unit(service, told, ())
    return [Item(unit, 0, kind, line) for kind, line in told]
