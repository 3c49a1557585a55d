"""Read a ledger from outside: pages of one tenant's events in order per partition, from any place on."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, cast

import orjson

from rapport_events.database import Connection
from rapport_events.envelope import Recorded
from rapport_events.errors import Clash, Malformed
from rapport_events.ids import PARTITIONS, TenantId
from rapport_events.postgres_ledger import recorded_of
from rapport_events.statements import load

WINDOW: Final = 2_000
"""Positions of a partition that one page looks at; what others own or a filter leaves out is passed over."""
BYTES_MAX: Final = 4_194_304
"""Data of one page; an event that begins below the limit is still taken."""
CURSOR_LENGTH_MAX: Final = 1_200
TYPES_MAX: Final = 50

_PATTERN = re.compile(r"[a-z0-9_.]{1,120}\*?|\*")


class CursorUnreadable(Malformed):
    """This is no cursor of this feed; pass on what Rapport-Cursor or the event's id said, or begin without one."""

    code = "feed_cursor_unreadable"


class EraEnded(Clash):
    """The ledger was restored and numbers its events anew; begin without a cursor, and drop ids that you know."""

    code = "feed_era_ended"


class TypeUnreadable(Malformed):
    """A filter by type is a whole type, or its beginning with a star, such as crm.customer.*."""

    code = "feed_type_unreadable"


@dataclass(frozen=True, slots=True)
class Place:
    """How far a subscriber has come: the last position of each partition that is done with, in one era."""

    service: str
    era: int
    positions: tuple[int, ...] = (0,) * PARTITIONS

    def at(self, partition: int, position: int) -> "Place":
        """Return the place behind one more event."""
        return replace(self, positions=(*self.positions[:partition], position, *self.positions[partition + 1 :]))

    def to_cursor(self) -> str:
        """Return it as opaque text."""
        return urlsafe_b64encode(orjson.dumps([self.service, self.era, *self.positions])).rstrip(b"=").decode()

    @classmethod
    def from_cursor(cls, service: str, cursor: str) -> "Place":
        """
        Read a cursor.

        Raises:
            CursorUnreadable: It was not made by this service's feed.
        """
        try:
            found: object = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except ValueError:
            raise CursorUnreadable from None
        if not isinstance(found, list):
            raise CursorUnreadable
        name, *numbers = cast("list[object]", found) or [None]
        positions = [number for number in numbers if type(number) is int and 0 <= number < 2**63]
        if name != service or len(numbers) != 1 + PARTITIONS or len(positions) != len(numbers):
            raise CursorUnreadable
        return cls(service, positions[0], tuple(positions[1:]))


@dataclass(frozen=True, slots=True)
class Filter:
    """What a subscriber wants to see; nothing given means everything."""

    types: tuple[str, ...] | None = None
    patterns: tuple[str, ...] = ()
    """As LIKE has them."""
    subject: str | None = None

    @classmethod
    def of(cls, types: Sequence[str] = (), subject: str | None = None) -> "Filter":
        """
        Make a filter of types, which may end with a star.

        Raises:
            TypeUnreadable: One of them is neither a type nor the beginning of one.
        """
        for each in types:
            if not _PATTERN.fullmatch(each):
                raise TypeUnreadable
        if not types or "*" in types:
            return cls(subject=subject)
        whole = tuple(each for each in types if not each.endswith("*"))
        begun = tuple(each[:-1].replace("_", r"\_") + "%" for each in types if each.endswith("*"))
        return cls(whole, begun, subject)


@dataclass(frozen=True, slots=True)
class Page:
    """Some events, and where the next page begins."""

    events: tuple[Recorded, ...]
    after: Place
    """Behind all that was looked at, whether it was wanted or not."""
    is_behind: bool
    """Whether there is more to look at already."""


async def place_at(connection: Connection, service: str, moment: datetime) -> Place:
    """Return the place before the first event that was recorded at a moment or later."""
    [row] = await connection.fetch(load("rapport_events", "feed/positions_before"), moment)
    return Place(service, row["era"], tuple(row["positions"]))


async def read_page(
    connection: Connection, service: str, tenant: TenantId, place: Place | None, wanted: Filter, *, limit: int
) -> Page:
    """
    Read the next events of a tenant.

    Heads and events must come from one snapshot, or a position could be passed over that was not yet visible: the
    connection is in a transaction of isolation `repeatable_read`.

    Args:
        place: Where to begin; the first event where it is None.
        limit: Events at most.

    Raises:
        EraEnded: The place is of a former era.
    """
    [row] = await connection.fetch(load("rapport_events", "feed/heads"))
    heads: Sequence[int] = row["heads"]
    begin = place or Place(service, row["era"])
    if begin.era != row["era"]:
        raise EraEnded(era=row["era"])
    windows = [
        (partition, after, min(head, after + WINDOW))
        for partition, (after, head) in enumerate(zip(begin.positions, heads, strict=True))
        if after < head
    ]
    if not windows:
        return Page((), begin, is_behind=False)
    partitions, afters, uptos = map(list, zip(*windows, strict=True))
    rows = await connection.fetch(
        load("rapport_events", "feed/page"),
        *(tenant, partitions, afters, uptos, wanted.types, wanted.patterns, wanted.subject, limit, BYTES_MAX),
    )
    events = tuple(recorded_of(service, each) for each in rows)
    is_cut = len(events) == limit or sum(len(event.data) for event in events) >= BYTES_MAX
    after = begin
    # A page that is full ends behind its last event of each partition; one that is not, behind all that it looked at.
    reached = [(event.partition, event.position) for event in events] if is_cut else zip(partitions, uptos, strict=True)
    for partition, position in reached:
        after = after.at(partition, position)
    is_behind = any(done < head for done, head in zip(after.positions, heads, strict=True))
    return Page(events, after, is_behind)
