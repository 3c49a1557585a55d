"""What a decision is told of customers besides its own: how they stand, and who is one party."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rapport_events.codec import decode
from rapport_events.command import CustomerRef, Request
from rapport_events.database import Pool, borrow
from rapport_events.envelope import Recorded
from rapport_events.ids import CustomerId, TenantId
from rapport_events.ledger import Ledger
from rapport_events.parties import Party, parties_of
from rapport_events.statements import load

FindParties = Callable[[TenantId, Sequence[UUID]], Awaitable[Mapping[UUID, Party]]]
"""Says who is one party with each customer."""


@dataclass(frozen=True, slots=True)
class PartiesRead:
    """Finds parties in a service's own read model, which follows its ledger within moments."""

    pool: Pool

    async def __call__(self, tenant: TenantId, customers: Sequence[UUID]) -> Mapping[UUID, Party]:
        """Return the party of each customer."""
        async with borrow(self.pool) as connection, connection.transaction(readonly=True):
            await connection.execute(load("rapport_events", "ledger/set_tenant"), tenant)
            found = await parties_of(connection, [(tenant, customer) for customer in customers])
        return {customer: party for (_, customer), party in found.items()}


async def each_alone(_tenant: TenantId, customers: Sequence[UUID]) -> Mapping[UUID, Party]:
    """Take each customer for a party of its own: where there is no read model."""
    return {customer: Party(customer, (customer,)) for customer in customers}


@dataclass(frozen=True, slots=True)
class Beside:
    """States and parties of customers besides the decision's own."""

    others: Mapping[UUID, Any]
    parties: Mapping[UUID, Party]
    versions: Mapping[UUID, int]
    """Of the streams that the states were folded from."""


NOBODY = Beside({}, {}, {})


def ids_beside(request: Request, ids: Mapping[CustomerRef, CustomerId]) -> list[UUID]:
    """Return the ids of the customers that a request must look at besides its own."""
    return [ids[ref] for ref in request.handler.beside(request.command)]


async def look_beside(
    ledger: Ledger, find_parties: FindParties, tenant: TenantId, wanted: Sequence[tuple[Request, UUID, Sequence[UUID]]]
) -> list[Beside]:
    """
    Read the streams of other customers, and who is one party with them or with the decision's own.

    Args:
        wanted: Requests of one tenant, each with its own customer and the others; to one that is for a whole party all
            ids of that are others.
    """
    ids = {other for _, _, others in wanted for other in others} | {own for _, own, _ in wanted}
    parties = await find_parties(tenant, sorted(ids))
    looked_at = [
        parties[own].members if request.handler.for_party else tuple(others) for request, own, others in wanted
    ]
    streams = await ledger.read_streams(
        tenant, sorted({f"customer-{customer}" for others in looked_at for customer in others})
    )
    return [
        Beside(
            {other: fold_state(request, streams[f"customer-{other}"]) for other in others},
            parties,
            {other: len(streams[f"customer-{other}"]) for other in others},
        )
        for (request, _, _), others in zip(wanted, looked_at, strict=True)
    ]


def fold_state(request: Request, history: Sequence[Recorded], opened: Mapping[str, bytes | None] | None = None) -> Any:  # noqa: ANN401  # the handler's own
    """Fold what a stream holds into what the request's handler remembers of it."""
    state = request.handler.initial
    for recorded in history:
        state = request.handler.evolve(state, decode(recorded, opened))
    return state
