"""The opaque token `Rapport-Position`: up to where the ledgers must have been folded to show a write."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, cast

import orjson

from rapport_events.errors import Malformed
from rapport_events.ids import PARTITIONS

HEADER: Final = "Rapport-Position"
TOKEN_LENGTH_MAX: Final = 8_192
POSITIONS_MAX: Final = 4 * PARTITIONS

Line = tuple[str, int, int]
"""Source, era and partition."""


class PositionUnreadable(Malformed):
    """The position is none that this suite has given; pass on what the header Rapport-Position said, unchanged."""

    code = "position_unreadable"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """One number of one ledger."""

    source: str
    era: int
    partition: int
    position: int

    @property
    def line(self) -> Line:
        """The line of numbers that it belongs to."""
        return (self.source, self.era, self.partition)


def write_token(positions: Iterable[Position]) -> str:
    """Return the token of some positions; of several in one partition the highest counts."""
    return write_token_of((each.line, each.position) for each in positions)


def write_token_of(places: Iterable[tuple[Line, int]]) -> str:
    """Return the token of some positions, given by their lines."""
    highest: dict[Line, int] = {}
    for line, position in places:
        highest[line] = max(position, highest.get(line, 0))
    rows = [[*line, position] for line, position in sorted(highest.items())]
    return base64.urlsafe_b64encode(orjson.dumps(rows)).rstrip(b"=").decode()


def read_token(token: str) -> tuple[Position, ...]:
    """
    Read a token.

    Raises:
        PositionUnreadable: It was not made here.
    """
    if len(token) > TOKEN_LENGTH_MAX:
        raise PositionUnreadable
    try:
        text = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        rows = orjson.loads(text)
    except (ValueError, binascii.Error) as error:
        raise PositionUnreadable from error
    if not isinstance(rows, list) or len(cast("list[object]", rows)) > POSITIONS_MAX:
        raise PositionUnreadable
    return tuple(_position(row) for row in cast("list[object]", rows))


def merge_tokens(*tokens: str) -> str:
    """Return one token that asks for all that the given ones ask for."""
    return write_token(position for token in tokens for position in read_token(token))


def _position(row: object) -> Position:
    match row:
        case [str(source), int(era), int(partition), int(position)] if (
            bool not in map(type, row)
            and source.isidentifier()
            and 0 < era < 2**31
            and 0 <= partition < PARTITIONS
            and 0 <= position < 2**63
        ):
            return Position(source, era, partition, position)
        case _:
            raise PositionUnreadable
