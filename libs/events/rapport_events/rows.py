"""The simplest read model: each fact is a row of its own, or none."""

from typing import ClassVar

from rapport_events.database import Connection
from rapport_events.view import Batch, Fact, View

Row = tuple[object, ...]


class Rows(View[None, list[Row]]):
    """A view that turns each fact by itself into a row; one statement writes a batch of them."""

    statement: ClassVar[str]
    """Name of the statement; its parameters are the columns of the rows, as arrays."""

    def row(self, fact: Fact) -> Row | None:
        """Return the row that a fact makes; None where it makes none."""
        raise NotImplementedError

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand: rows are only added."""

    async def load(self, connection: Connection, keys: None) -> list[Row]:
        """Begin with no rows."""
        return []

    def fold(self, state: list[Row], batch: Batch) -> list[Row]:
        """Make the rows."""
        return [row for fact in batch if (row := self.row(fact)) is not None]

    async def write(self, connection: Connection, state: list[Row]) -> None:
        """Add them."""
        if state:
            await connection.execute(self.sql(self.statement), *map(list, zip(*state, strict=True)))
