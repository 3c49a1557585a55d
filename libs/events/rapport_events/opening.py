"""Open a ledger on its server once it was compared with its topic, or when nobody may be kept waiting any longer."""

import time

import structlog

from rapport_events.database import Pool
from rapport_events.gate import ServerIdentity, note_shut, read_remembered, read_server_identity, reopen, shut
from rapport_events.mirror_metrics import sound
from rapport_events.statements import load

log = structlog.get_logger()

_ACQUIRE_SECONDS = 10


class StaysShut(Exception):
    """The ledger must not be opened again without an operator."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        """A code."""


class LedgerMoved(Exception):
    """The ledger's era or its server changed: compare before going on."""


class Opening:
    """Remembers since when a ledger waits to be opened."""

    def __init__(self, service: str, *, away_seconds: float) -> None:
        """Choose how long the ledger may stay shut at most because there is no broker to compare it with."""
        self._service = service
        self._away_seconds = away_seconds
        self._shut_since: float | None = None

    @property
    def patience(self) -> float:
        """For how many seconds more the ledger may stay shut because there is no broker."""
        shut_since = self._shut_since or time.monotonic()
        return shut_since + self._away_seconds - time.monotonic()

    async def look(self, pool: Pool) -> tuple[int, ServerIdentity | None]:
        """
        Return the era, and the server if the ledger is still to be compared and opened on it.

        Raises:
            StaysShut: It was shut by hand, or its server changed and some commits may be lost.
        """
        async with pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
            remembered, server = await read_remembered(connection), await read_server_identity(connection)
            [commits] = await connection.fetch(load("rapport_events", "mirror/commits"))
        known = remembered.server
        if known == server:
            self._shut_since = None
            return remembered.era, None
        if not remembered.is_open:
            raise StaysShut("shut", "the ledger was shut, and its server has been restarted since")
        has_moved = known is not None and _log_of(known) != _log_of(server)
        if not commits["are_on_standby" if has_moved else "are_on_disk"]:
            what = "another server" if has_moved else "a server that acknowledges commits before they are on disk"
            detail = f"the ledger is on {what}, and commits that were acknowledged may be lost"
            raise StaysShut("commits_may_be_lost", detail)
        self._shut_since = self._shut_since or time.monotonic()
        if self.patience > 0:
            return remembered.era, server
        # Nobody may be kept from working for longer because the broker is away.
        sound(self._service, "opened_without_comparison")
        await self.open(pool, server)
        return remembered.era, None

    def start_over(self) -> None:
        """Count anew from now on: what went before was not time spent waiting for the broker."""
        self._shut_since = None

    async def open(self, pool: Pool, server: ServerIdentity) -> None:
        """
        Take appends again on the server that was compared.

        Raises:
            LedgerMoved: It was restarted in between.
        """
        async with pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
            if not await reopen(connection, server):
                self.start_over()
                raise LedgerMoved("the server was restarted while the ledger was compared, or the era is too young")
        self._shut_since = None
        log.info("ledger_opened", service=self._service, timeline=server.timeline)


async def stay_shut(pool: Pool, reason: str, detail: str) -> None:
    """
    Take no appends any more where they are still taken, and write down why.

    Each would use a number for the second time, or lie on a server that lost some.
    """
    async with pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
        remembered = await read_remembered(connection)
        if remembered.is_open and remembered.server == await read_server_identity(connection):
            await shut(connection)
        await note_shut(connection, reason, detail)


def _log_of(server: ServerIdentity) -> tuple[int, int]:
    """Return what a restart keeps, and a promotion or a restore changes."""
    return (server.system_identifier, server.timeline)
