"""What query routes get: a caller, rows of the caller's tenant alone, opened names, and how fresh it all is."""

from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query, Request

from rapport_chassis.auth import Caller
from rapport_chassis.desk import OPERATOR, Desk, Store, desk_of
from rapport_chassis.moments import NOW, PARAMETERS, AsOf, KnownAt, Moment, PastNotKept, read_moment
from rapport_chassis.positions import TOKEN_LENGTH_MAX, read_token
from rapport_chassis.standing import Freshness
from rapport_events.database import Connection, borrow
from rapport_events.keyring import KeyringAway
from rapport_events.statements import load

PERSONAL = "personal:read"

After = Annotated[
    str | None,
    Query(
        max_length=TOKEN_LENGTH_MAX,
        description="A Rapport-Position: the answer waits, at most 5 s, until it shows all that was recorded up to it.",
    ),
]


@dataclass(slots=True)
class Reading:
    """One query of one caller."""

    caller: Caller
    store: Store
    moment: Moment = NOW
    """What it is about; answers that are kept only as they are now never see another."""
    is_masked: bool = field(default=False)
    """Whether personal values stayed closed: for want of the scope, or because the keyring is away."""

    @asynccontextmanager
    async def rows(self) -> AsyncGenerator[Connection]:
        """
        Give a connection that sees the rows of the caller's tenant, in a read-only transaction with one snapshot.

        Open names after leaving it: a transaction is never held open across another wait.
        """
        async with (
            borrow(self.store.pool) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(load("rapport_chassis", "set_tenant"), self.caller.tenant)
            yield connection

    async def keys(self, key_ids: Collection[str]) -> Mapping[str, bytes | None]:
        """
        Return the keys of personal values, None for those of erased persons.

        Returns:
            Nothing at all, so that values stay sealed and are shown masked, where the caller may not read personal data
            or the keyring is away.
        """
        if PERSONAL not in self.caller.scopes:
            self.is_masked = True
            return {}
        try:
            return await self.store.keyring.open_keys(self.caller.tenant, key_ids) if key_ids else {}
        except KeyringAway:
            self.is_masked = True
            return {}

    async def freshness(self, *views: str) -> Freshness:
        """Say how current an answer from these views is."""
        return await self.store.standing.freshness(views)


async def open_reading(request: Request, after: After = None) -> Reading:
    """Admit a caller who may read this service, and wait for the position that must be shown."""
    reading = await _open(request, after)
    for name in PARAMETERS:
        if name in request.query_params:
            raise PastNotKept(parameter=name)
    return reading


async def open_reading_at(
    request: Request, after: After = None, as_of: AsOf = None, known_at: KnownAt = None
) -> Reading:
    """Admit a caller likewise, whose question may be about a moment of the past."""
    reading = await _open(request, after)
    reading.moment = read_moment(as_of, known_at, datetime.now(UTC))
    return reading


async def _open(request: Request, after: str | None) -> Reading:
    desk: Desk = desk_of(request)
    caller = await desk.admit(request, f"{desk.service.name}:read", OPERATOR)
    if after is not None:
        await desk.store.standing.wait_for(read_token(after))
    return Reading(caller, desk.store)


Read = Annotated[Reading, Depends(open_reading)]
"""The one dependency of a query route; it refuses questions about the past."""
ReadAt = Annotated[Reading, Depends(open_reading_at)]
"""The one dependency of a query route that answers them: its `moment` says what the question is about."""
