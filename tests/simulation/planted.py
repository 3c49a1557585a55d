"""Bugs to be planted, each by name: what the code would be without one of the rules of the protocol."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, cast
from unittest.mock import patch

import msgspec

from rapport_events import copying, mirror, parking, reader
from rapport_events.audit import Audit
from rapport_events.consuming import Consuming
from rapport_events.copying import Copying
from rapport_events.eras import newest
from rapport_events.mirror import Mirror
from rapport_events.reach import Found, Reach
from rapport_events.reader import ViewReader, advance
from rapport_events.tally import End
from rapport_events.view import Arrived, Fact, Key, Unreadable
from tests.simulation import parking_server, rebuild_server
from tests.simulation.database import Answer

# A planted bug is the code under test with one thing changed: it works with what is private there.
# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001


async def _commit_apart(self: ViewReader, known: Sequence[Fact | Unreadable], ends: Mapping[Key, End]) -> None:
    async with self._pool.acquire() as connection, connection.transaction():
        await self._advance(connection, ends)
    async with self._pool.acquire() as connection, connection.transaction():
        await self._fold(connection, known, by_halves=True)


async def _advance_unseen(self: ViewReader, connection: Any, ends: Mapping[Key, End]) -> None:  # noqa: ANN401  # as there
    await advance(connection, [(self, ends)])


async def _send_two(self: Copying, group: asyncio.TaskGroup) -> int:
    for lane in self.lanes:
        if not lane.is_ready:
            continue
        events = [copying._outgoing(event) for event in lane.ahead]
        for _ in range(2):
            if events:
                batch = self._producer.pack(events)
                events = events[batch.count :]
                group.create_task(self._send(lane, lane.send(batch.count), batch))
    return 0


def _take_last(self: Reach, records: Iterable[Found], next_offset: int) -> None:
    for record in records:
        if record.position > self.position:
            self.position = record.position
            self._last = record
    self.next_offset = next_offset


class HoleError(Exception):
    """A number is missing."""


_next = ViewReader._next


def _next_or_stop(self: ViewReader, records: Sequence[Arrived]) -> tuple[list[Arrived], dict[Key, End]]:
    chosen, ends = _next(self, records)
    for record in records:
        end = ends.get(record.line)
        if record.position > (self.positions[record.line] if end is None else end.position):
            raise HoleError
    return chosen, ends


def _next_of_any_era(self: ViewReader, records: Sequence[Arrived]) -> tuple[list[Arrived], dict[Key, End]]:
    eras = newest(self.positions)
    return _next(self, [msgspec.structs.replace(record, era=eras.get(record.source, record.era)) for record in records])


async def _nobody(*_: object, **__: object) -> set[tuple[str, str]]:
    return set()


async def _no_repairs(*_: object, **__: object) -> dict[tuple[str, str], object]:
    return {}


def _level(*_: object) -> str:
    return "level"


async def _no_lock(*_: object) -> Answer:
    return Answer()


async def _for_ever(*_: object, **__: object) -> None:
    await asyncio.Event().wait()


async def _nothing(*_: object, **__: object) -> None:
    """Do nothing."""


async def _failure_of(work: Coroutine[Any, Any, object]) -> Exception | None:
    try:
        await work
    except Exception as error:  # noqa: BLE001  # the bug
        return error
    return None


def _change(owner: object, name: str, bug: object) -> Callable[[], AbstractContextManager[object]]:
    return lambda: cast("AbstractContextManager[object]", patch.object(owner, name, bug))


PLANTED: Final[dict[str, Callable[[], AbstractContextManager[object]]]] = {
    "checkpoint outside the read model's transaction": _change(ViewReader, "_commit", _commit_apart),
    "checkpoint without compare-and-set": _change(ViewReader, "_advance", _advance_unseen),
    "next batch before the last is confirmed": _change(Copying, "_send_ready", _send_two),
    "mirror goes on after the last number": _change(Reach, "take", _take_last),
    "reader stops at a hole": _change(ViewReader, "_next", _next_or_stop),
    "topic is never audited": _change(Mirror, "_audit_again", _for_ever),
    "reader never scans again": _change(Consuming, "_compare", _nothing),
    "checkpoints are believed for ever": _change(Consuming, "_look_back", _nothing),
    "compare-and-set without the era": _change(ViewReader, "_next", _next_of_any_era),
    "records are not held against rows": _change(Audit, "_check_held", _nothing),
    "a parked customer's later events are applied": _change(reader, "parked_customers", _nobody),
    "repairs hold for one version only": _change(parking, "repairs_of", _no_repairs),
    "release without the checkpoint's lock": lambda: cast(
        "AbstractContextManager[object]", patch.dict(parking_server.PARKING, {"parking/lock": _no_lock})
    ),
    "swap without comparing checkpoints": _change(rebuild_server, "level_of", _level),
    "mirror forgets that it was cancelled": _change(mirror, "failure_of", _failure_of),
}
