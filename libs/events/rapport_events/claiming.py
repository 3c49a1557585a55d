"""What commands claim: the outside names of facts, for ever, and those of customers, until they are given up."""

from collections.abc import Mapping
from typing import Any

from rapport_events.codec import decode
from rapport_events.command import CustomerRef, ExternalRef, Request
from rapport_events.identities import customer_id, digest
from rapport_events.ids import CustomerId
from rapport_events.keyring import TenantKeys
from rapport_events.ledger import ClaimRef, Ledger

TURNS_MAX = 100
"""How often an outside name can go from one customer to another."""


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


def customer_of(keys: TenantKeys, ref: CustomerRef) -> CustomerId:
    """Return the id of the customer that a reference names; every service computes the same."""
    if ref.id is not None:
        return CustomerId(ref.id)
    kind, system, value = ref.outside_name
    return customer_id(keys, kind=kind, system=system, value=value)


async def next_turns(
    ledger: Ledger, keys: TenantKeys, request: Request, turns: Mapping[CustomerRef, int]
) -> dict[CustomerRef, int] | None:
    """
    Look who holds the identities that a request claims, and whether they have been given up meanwhile.

    Whoever gave a name up never holds that turn again, so the answer cannot be overtaken.

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
            if handler.holds(state, customer_of(keys, name)):
                return None
        else:
            return None
    return found
