"""
An in-memory PostgreSQL by statement: each text that the code loads by name is a function over tables here.

Transactions are READ COMMITTED: what others have not committed is invisible, row locks are waited for, a lost
connection rolls back. `test_database.py` runs the same calls against this and the real server.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self

import asyncpg

from tests.simulation.nature import Nature, Process

# What it offers has the shape of asyncpg's.
# ruff: noqa: ANN401, ASYNC109

Key = tuple[Any, ...]
LOCK_SECONDS: Final = 5.0


class Row(dict[str, Any]):
    """A row as asyncpg gives it: it is unpacked into its values."""

    def __iter__(self) -> Any:
        return iter(self.values())


@dataclass(slots=True)
class Answer:
    """What a statement brought."""

    rows: Sequence[Row] = ()
    count: int = 0
    """Rows that were changed."""


Statement = Callable[..., Awaitable[Answer]]


class Transaction:
    """Changes that nobody else sees before the commit, and the locks that are held until its end."""

    def __init__(self, database: "Database", connection: "Connection") -> None:
        self.database = database
        self.connection = connection
        self.changes: dict[tuple[str, Key], Row | None] = {}
        self._locks: dict[tuple[str, Key], None] = {}

    def get(self, table: str, key: Key) -> Row | None:
        """Return the row as this transaction sees it."""
        place = (table, key)
        return self.changes[place] if place in self.changes else self.database.tables[table].get(key)

    def scan(self, table: str) -> dict[Key, Row]:
        """Return all rows as this transaction sees them."""
        rows = dict(self.database.tables[table])
        for (name, key), row in self.changes.items():
            if name != table:
                continue
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
        return rows

    def put(self, table: str, key: Key, row: Mapping[str, Any] | None) -> None:
        """Write a row; None deletes it."""
        self.changes[table, key] = None if row is None else Row(row)

    async def lock(self, table: str, *keys: Key) -> None:
        """Lock rows in the order given, or wait for whoever holds one."""
        for key in keys:
            place = (table, key)
            until = asyncio.get_running_loop().time() + LOCK_SECONDS
            while (holder := self.database.locks.get(place)) is not None and holder is not self:
                try:
                    async with asyncio.timeout_at(until):
                        await self.database.lock_given.wait()
                except TimeoutError:
                    raise asyncpg.LockNotAvailableError("canceling statement due to lock timeout") from None
                self.connection.check()
            self.database.locks[place] = self
            self._locks[place] = None

    def commit(self) -> None:
        """Let everybody see the changes."""
        for (table, key), row in self.changes.items():
            if row is None:
                self.database.tables[table].pop(key, None)
            else:
                self.database.tables[table][key] = row
        self.end()

    def end(self) -> None:
        """Give the locks back; what was not committed is gone."""
        self.changes = {}
        for place in self._locks:
            self.database.locks.pop(place, None)
        if self._locks:
            self.database.give_locks()
        self._locks = {}


@dataclass(eq=False)
class Database:
    """One server with one database; `statements` says what it understands."""

    nature: Nature
    name: str
    statements: Mapping[str, tuple[str, Statement]]
    """By text: name, and what it does."""
    tables: dict[str, dict[Key, Row]] = field(default_factory=lambda: defaultdict(dict))
    locks: dict[tuple[str, Key], Transaction] = field(default_factory=dict[tuple[str, Key], Transaction])
    advisory: dict[int, "Connection"] = field(default_factory=dict[int, "Connection"])
    connections: dict["Connection", None] = field(default_factory=dict["Connection", None])
    lock_given: asyncio.Event = field(default_factory=asyncio.Event)
    is_up: bool = True
    starts: int = 1
    """How often the server was started: stands for the time of its start."""

    def give_locks(self) -> None:
        """Let those look again who wait for a lock."""
        self.lock_given.set()
        self.lock_given = asyncio.Event()

    def stop(self) -> None:
        """Kill the server: every connection is lost, and what was not committed."""
        self.is_up = False
        for connection in list(self.connections):
            connection.cut()

    def start(self) -> None:
        """Start it again."""
        self.is_up = True
        self.starts += 1

    def keep(self) -> dict[str, dict[Key, Row]]:
        """Return what a backup of this moment holds."""
        return {name: {key: Row(row) for key, row in rows.items()} for name, rows in self.tables.items()}

    def restore(self, kept: Mapping[str, Mapping[Key, Row]]) -> None:
        """Go back to a backup; call it while the server is stopped."""
        self.tables.clear()
        self.tables.update({name: {key: Row(row) for key, row in rows.items()} for name, rows in kept.items()})

    def connect(self, process: Process) -> "Connection":
        """
        Connect.

        Raises:
            ConnectionRefusedError: The server is down.
        """
        if not self.is_up:
            raise ConnectionRefusedError(self.name)
        return Connection(self, process)


class Connection:
    """One connection of a process; offers what our code uses of asyncpg's."""

    def __init__(self, database: Database, process: Process) -> None:
        self.database = database
        self.process = process
        self.is_lost = False
        self.hears: dict[str, Callable[..., None]] = {}
        self._transaction: Transaction | None = None
        self._on_loss: list[Callable[[object], None]] = []
        database.connections[self] = None
        process.at_death(self, self.cut)

    def cut(self) -> None:
        """Lose the connection: the server rolls back, and gives back what it held."""
        if self.is_lost:
            return
        self.is_lost = True
        self.database.connections.pop(self, None)
        self.process.forget(self)
        if self._transaction is not None:
            self._transaction.end()
        for number, holder in list(self.database.advisory.items()):
            if holder is self:
                del self.database.advisory[number]
        for tell in self._on_loss:
            tell(self)
        self.database.give_locks()

    terminate = cut

    def check(self) -> None:
        """
        Fail where the connection is lost.

        Raises:
            ConnectionDoesNotExistError: It is.
        """
        if self.is_lost:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    def add_termination_listener(self, tell: Callable[[object], None]) -> None:
        """Have somebody told when the connection is lost."""
        self._on_loss.append(tell)

    async def add_listener(self, channel: str, tell: Callable[..., None]) -> None:
        """Listen to a channel."""
        await self.process.takes()
        self.check()
        self.hears[channel] = tell

    async def fetch(self, text: str, *values: Any, timeout: float = 30) -> list[Row]:
        """Run a statement, and return its rows."""
        return list((await self._ask(text, values)).rows)

    async def fetchrow(self, text: str, *values: Any, timeout: float = 30) -> Row | None:
        """Run a statement, and return its first row."""
        return next(iter(await self.fetch(text, *values)), None)

    async def fetchval(self, text: str, *values: Any, timeout: float = 30) -> Any:
        """Run a statement, and return the first value of its first row."""
        row = await self.fetchrow(text, *values)
        return None if row is None else next(iter(row), None)

    async def execute(self, text: str, *values: Any, timeout: float = 30) -> str:
        """Run a statement, and return its status."""
        return f"DONE {(await self._ask(text, values)).count}"

    def transaction(self, **_: object) -> "_Block":
        """Begin a transaction, or a savepoint inside one; use it with `async with`."""
        return _Block(self)

    async def _ask(self, text: str, values: Sequence[Any]) -> Answer:
        self.check()
        name, statement = self.database.statements[text]
        await self.process.takes()
        self.check()
        transaction = self._transaction
        if transaction is None:
            transaction = self._transaction = Transaction(self.database, self)
            try:
                answer = await statement(transaction, *values)
                self.check()
                transaction.commit()
            finally:
                transaction.end()
                self._transaction = None
        else:
            answer = await statement(transaction, *values)
            self.check()
        self.database.nature.note(self.process.name, name, answer.count or len(answer.rows))
        if answer.count:
            # Done, and its answer can still be lost.
            await self.process.takes()
            self.check()
        return answer

    @property
    def open_transaction(self) -> Transaction | None:
        """Return the transaction that is open, for its blocks."""
        return self._transaction

    def begin(self) -> Transaction:
        """Begin a transaction."""
        self.check()
        self._transaction = Transaction(self.database, self)
        return self._transaction

    async def commit(self) -> None:
        """Commit; a process that dies meanwhile may have committed or not."""
        transaction = self._transaction
        assert transaction is not None
        try:
            await self.process.takes()
        except BaseException:
            if not self.is_lost and self.database.nature.is_so(0.5):
                transaction.commit()
            raise
        self.check()
        transaction.commit()
        self._transaction = None
        self.database.nature.note(self.process.name, "commit")
        await self.process.takes()
        self.check()

    async def roll_back(self) -> None:
        """Give up; without waiting, because it is what a lost connection does, too."""
        if self._transaction is not None:
            self._transaction.end()
            self._transaction = None


class _Block:
    """A transaction or savepoint around a block."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._before: dict[tuple[str, Key], Row | None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await self.commit()
        else:
            await self.rollback()

    async def start(self) -> None:
        """Begin it."""
        transaction = self._connection.open_transaction
        if transaction is None:
            self._connection.begin()
        else:
            self._before = dict(transaction.changes)

    async def commit(self) -> None:
        """Commit it; the end of a savepoint commits nothing."""
        if self._before is None:
            await self._connection.commit()

    async def rollback(self) -> None:
        """Take back what was done in it."""
        transaction = self._connection.open_transaction
        if self._before is None:
            await self._connection.roll_back()
        elif transaction is not None:
            transaction.changes = self._before


class Pool:
    """Connections of one process to one database; as many as it asks for."""

    def __init__(self, database: Database, process: Process) -> None:
        self._database = database
        self._process = process
        self._free: list[Connection] = []
        self._all: dict[Connection, None] = {}

    @asynccontextmanager
    async def acquire(self, timeout: float = 30) -> AsyncGenerator[Connection]:
        """Lend a connection; one with an open transaction at the end is rolled back."""
        while self._free and self._free[-1].is_lost:
            self._free.pop()
        if self._free:
            connection = self._free.pop()
        else:
            await self._process.takes()
            connection = self._database.connect(self._process)
            self._all[connection] = None
        try:
            yield connection
        finally:
            await connection.roll_back()
            if not connection.is_lost:
                self._free.append(connection)

    async def fetch(self, text: str, *values: Any, timeout: float = 30) -> list[Row]:
        """Run a statement, and return its rows."""
        async with self.acquire() as connection:
            return await connection.fetch(text, *values)

    async def fetchrow(self, text: str, *values: Any, timeout: float = 30) -> Row | None:
        """Run a statement, and return its first row."""
        async with self.acquire() as connection:
            return await connection.fetchrow(text, *values)

    async def fetchval(self, text: str, *values: Any, timeout: float = 30) -> Any:
        """Run a statement, and return the first value of its first row."""
        async with self.acquire() as connection:
            return await connection.fetchval(text, *values)

    async def execute(self, text: str, *values: Any, timeout: float = 30) -> str:
        """Run a statement, and return its status."""
        async with self.acquire() as connection:
            return await connection.execute(text, *values)

    def terminate(self) -> None:
        """Cut all connections."""
        for connection in self._all:
            connection.cut()
        self._free.clear()
