"""What the HTTP routes of one service work with, and who may use them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from rapport_chassis.auth import Caller, Verifier
from rapport_chassis.entrance import REQUEST_SECONDS_MAX
from rapport_chassis.health import Readiness
from rapport_chassis.peers import SCHEME, Peers, PeerSeal
from rapport_chassis.positions import write_token_of
from rapport_chassis.problems import TOKEN_MISSING, Refused
from rapport_chassis.service import Service
from rapport_chassis.standing import Standing
from rapport_chassis.webhooks.addresses import Outgoing
from rapport_events.database import Pool
from rapport_events.errors import Denied
from rapport_events.execute import Executor
from rapport_events.gate import ERA_BELIEVED_SECONDS
from rapport_events.keyring import Keyring
from rapport_events.ledger import Ledger
from rapport_events.results import Done

OPERATOR = "operator"


class ScopeMissing(Denied):
    """The token lacks the scope that this route needs."""

    code = "scope_missing"


class NotHere(Denied):
    """This service has no ledger."""

    code = "no_ledger_here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A service's own memory, as the role `http` reaches it."""

    ledger: Ledger
    executor: Executor
    keyring: Keyring
    pool: Pool
    """As the role app: reads under row-level security."""
    standing: Standing


@dataclass(slots=True, kw_only=True)
class Desk:
    """Everything that a route may need; `app.state.desk`."""

    service: Service
    verifier: Verifier
    readiness: Readiness
    peers: Peers
    seal: PeerSeal | None = None
    opened: Store | None = None
    outgoing: Outgoing = field(default_factory=Outgoing)
    """Where webhooks may go."""
    answer_seconds: float = REQUEST_SECONDS_MAX
    """How long a request may wait for its answer."""
    resent_at: dict[int, float] = field(default_factory=dict[int, float])
    """By partition, when it was asked to be sent again."""
    _era: int = 0
    _era_at: float = field(default=float("-inf"))

    @property
    def store(self) -> Store:
        """Return the service's memory."""
        if self.opened is None:
            raise NotHere
        return self.opened

    async def admit(self, request: Request, *scopes: str) -> Caller:
        """
        Say who calls.

        Args:
            scopes: One of them is needed.

        Raises:
            Refused: There is no token.
            TokenRefused: The token is none of ours.
            ScopeMissing: It lacks the scope.
        """
        return await self.admit_bearer(request.headers.get("authorization", ""), *scopes)

    async def admit_bearer(self, authorization: str, *scopes: str) -> Caller:
        """Say who calls with this header; see `admit`."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(TOKEN_MISSING)
        caller = await self.verifier.verify(token.strip())
        if scopes and caller.scopes.isdisjoint(scopes):
            raise ScopeMissing(scope=scopes[0])
        return caller

    async def admit_peer(self, request: Request) -> None:
        """Let a service of this suite pass, or a caller who operates it."""
        value = request.headers.get("authorization", "")
        if (
            self.seal is not None
            and value.startswith(SCHEME)
            and self.seal.is_genuine(value, request.method, request.url.path)
        ):
            return
        await self.admit(request, OPERATOR)

    async def token_of(self, results: Sequence[Done]) -> str:
        """Return the Rapport-Position of what commands answered."""
        era = await self.era()
        name = self.service.name
        return write_token_of(((name, era, p.partition), p.position) for done in results for p in done.places)

    async def era(self) -> int:
        """Return the ledger's era, as it was at most five seconds ago: for so long a new one takes nothing."""
        if time.monotonic() - self._era_at >= ERA_BELIEVED_SECONDS:
            asked_at = time.monotonic()
            self._era = (await self.store.ledger.state()).era
            self._era_at = asked_at
        return self._era


def desk_of(request: Request) -> Desk:
    """Return the desk of the service that a request came to."""
    return cast("Desk", request.app.state.desk)


AtDesk = Annotated[Desk, Depends(desk_of)]
