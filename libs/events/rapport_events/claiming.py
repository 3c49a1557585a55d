"""What commands claim: the outside names of facts, for ever, and those of customers, until they are given up."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from rapport_events.codec import decode
from rapport_events.command import CustomerRef, ExternalRef, Request
from rapport_events.identities import customer_id, digest
from rapport_events.ids import CustomerId, TenantId
from rapport_events.keyring import Keyring, TenantKeys
from rapport_events.ledger import ClaimRef, Ledger

TURNS_MAX = 100
"""How often an outside name can go from one customer to another."""
RETURNS_MAX = 100
"""How often somebody can come back after an erasure."""


def fact_claim(keys: TenantKeys, kind: str, named: ExternalRef) -> ClaimRef:
    """Return the claim on a fact's outside name."""
    return ClaimRef(kind, digest(keys, "fact", kind, named.system, named.id))


def identity_claim(keys: TenantKeys, named: CustomerRef, turn: int = 0) -> ClaimRef:
    """
    Return the claim on a customer's outside name.

    Claims are never taken back, so each holder after the first claims the name's next turn.
    """
    turns = (str(turn),) if turn else ()
    return ClaimRef("identity", digest(keys, "identity", *named.outside_name, *turns))


async def customers_of(
    keyring: Keyring, tenant: TenantId, named: Collection[tuple[CustomerRef, datetime]]
) -> dict[tuple[CustomerRef, datetime], CustomerId]:
    """
    Return the ids of the customers whom references mean, each at a moment; every service finds the same.

    Somebody who was erased can come back: what happened after that is told of the person's next id, what happened
    before stays with the erased one. For 20 s after an erasure it can still be told of the erased id.
    """
    keys = await keyring.tenant_keys(tenant)
    found = {(ref, at): _customer_of(keys, ref) for ref, at in named}
    moved = {pair for pair in found if pair[0].identity is not None}
    for n in range(1, RETURNS_MAX):
        if not moved:
            break
        erased = await keyring.erased_at(tenant, {found[pair] for pair in moved})
        if not erased:
            break
        moved = {pair for pair in moved if found[pair] in erased and pair[1] > erased[found[pair]]}
        found |= {pair: _customer_of(keys, pair[0], n) for pair in moved}
    return found


def _customer_of(keys: TenantKeys, ref: CustomerRef, n: int = 0) -> CustomerId:
    if ref.id is not None:
        return CustomerId(ref.id)
    kind, system, value = ref.outside_name
    return customer_id(keys, kind=kind, system=system, value=value, n=n)


async def next_turns(
    ledger: Ledger,
    keys: TenantKeys,
    request: Request,
    ids: Mapping[CustomerRef, CustomerId],
    turns: Mapping[CustomerRef, int],
) -> dict[CustomerRef, int] | None:
    """
    Look who holds the identities that a request claims, and whether they have been given up meanwhile.

    Whoever gave a name up never holds that turn again, so the answer cannot be overtaken.

    Args:
        ids: Whom the request's names mean.

    Returns:
        The turns to claim instead; None where somebody holds on to one.
    """
    handler: Any = request.handler
    found = dict(turns)
    for name in handler.identities(request.command):
        for turn in range(turns.get(name, 0), TURNS_MAX):
            claim = (await ledger.find(request.tenant, [identity_claim(keys, name, turn)]))[0]
            if claim is None:
                found[name] = turn
                break
            history = (await ledger.read_streams(request.tenant, [claim.stream]))[claim.stream]
            state = handler.initial
            for recorded in history:
                state = handler.evolve(state, decode(recorded))
            if handler.holds(state, ids[name]):
                return None
        else:
            return None
    return found
