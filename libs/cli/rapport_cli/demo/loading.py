"""Send lives to the services: each customer's lines in one batch and in order, several batches on their way at once."""

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final

import orjson

from rapport_cli.demo.story import Life, Line
from rapport_cli.importing.courier import PATIENCE_SECONDS, Courier, Item, NotUnderstood
from rapport_cli.importing.engine import Unit
from rapport_cli.importing.kinds import SERVICES, Service
from rapport_cli.importing.progress import Progress
from rapport_cli.wire import Access, Connection

LINES_MAX: Final = 500
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
            self._send("contacts", _items("contacts", beginning))
            self._wait_for(0)
            waiting: dict[Service, list[Item]] = {name: [] for name in SERVICES}
            for number, life in enumerate(lives, 1):
                for service in SERVICES:
                    lines = life.contacts if service == "contacts" else life.interactions
                    if len(waiting[service]) + len(lines) > LINES_MAX:
                        self._send(service, waiting[service])
                        waiting[service] = []
                    waiting[service] += _items(service, lines)
                progress.at(number)
            for service, items in waiting.items():
                self._send(service, items)
            self._wait_for(0)
        finally:
            self._stop.set()
            self._pool.shutdown(cancel_futures=True)
        return self.counting.outcomes

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


def _items(service: Service, lines: Sequence[Line]) -> list[Item]:
    told = tuple((str(line["command"]), orjson.dumps(line)) for line in lines)
    unit = Unit(service, told, ())
    return [Item(unit, 0, kind, line) for kind, line in told]
