"""Read ledgers: their numbers, ids and wishes, partition by partition, and whether what they remember fits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

import asyncpg

from rapport_cli.verifying.findings import EXAMPLES_MAX, Account
from rapport_events.database import Connection
from rapport_events.statements import load

_AT_ONCE: Final = 20_000
_ID_LENGTH: Final = 36
_SECONDS_MAX: Final = 3_600
"""A statement over a whole ledger may last."""


@dataclass(slots=True)
class Line:
    """The events of one partition, without holes, as far as they were there when they were read."""

    partition: int
    ids: list[bytes] = field(default_factory=list[bytes])
    """Text of the event ids; that of position n at n - 1."""
    marks: list[int] = field(default_factory=list[int])
    operations: list[str | None] = field(default_factory=list[str | None])
    """Correlation ids, where they were asked for; None for events that followed from others."""

    @property
    def head(self) -> int:
        """The last position."""
        return len(self.ids)


async def read_line(connection: Connection, partition: int, *, with_operations: bool = False) -> tuple[Line, bool]:
    """Read a partition up to its end, or up to its first hole; say also whether it ended there."""
    line = Line(partition)
    while True:
        named = (partition, line.head, _AT_ONCE)
        row = await connection.fetchrow(load("rapport_cli", "verify/events"), *named, timeout=_SECONDS_MAX)
        if row is None or not row["count"]:
            return line, True
        text: bytes = row["ids"].encode()
        found = [text[at : at + _ID_LENGTH] for at in range(0, len(text), _ID_LENGTH)]
        is_whole = row["first"] == line.head + 1 and row["last"] == line.head + row["count"]
        if not is_whole:
            return line, False
        if with_operations:
            statement = load("rapport_cli", "verify/operations")
            line.operations += await connection.fetchval(statement, *named, timeout=_SECONDS_MAX)
        line.ids += found
        line.marks += map(crc32, found)


async def check_numbers(connection: Connection, line: Line, account: Account, fix: str) -> None:
    """Say which numbers of a partition are missing; call it for one that has holes."""
    for row in await connection.fetch(
        load("rapport_cli", "verify/gaps"), line.partition, EXAMPLES_MAX, timeout=_SECONDS_MAX
    ):
        what = f"partition {line.partition} lacks positions {row['first']} to {row['last']}"
        account.add("lost", what, fix, row["last"] - row["first"] + 1)


async def check_memory(connection: Connection, account: Account, fix: str) -> None:
    """Check the versions of streams, the answers to commands and the claims against the events."""

    async def ask(name: str) -> Sequence[asyncpg.Record]:
        return await connection.fetch(load("rapport_cli", name), EXAMPLES_MAX, timeout=_SECONDS_MAX)

    for row in await ask("verify/streams"):
        what = f"stream {row['stream']} has {row['count']} events and version {row['version']}"
        account.add("lost", f"{what}, in partition {row['partition']}", fix)
    for row in await ask("verify/answers"):
        what = f"the answer to key {row['key']} names position {row['position']} of partition {row['partition']}"
        account.add("lost", f"{what}, which is not there", fix)
    for row in await ask("verify/keys"):
        what = f"partition {row['partition']} position {row['position']} was recorded under key {row['key']}"
        account.add("repeated", f"{what}, whose answer does not name it", fix)
    for row in await ask("verify/claims"):
        account.add("lost", f"a claim of kind {row['kind']} was made for event {row['event_id']}", fix)
