"""One command on its way: where it will be decided, what was found out so far, and what is appended in the end."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from rapport_events.beside import NOBODY, Beside, ids_beside
from rapport_events.claiming import fact_claim, identity_claim
from rapport_events.codec import encode, pii_of, schema_of
from rapport_events.command import CustomerRef, ExternalRef, Request, Target
from rapport_events.contracts.base import Event
from rapport_events.envelope import Meta, Recorded
from rapport_events.identities import digest
from rapport_events.ids import CustomerId, EventId, TenantId, new_id, partition_of_key, partition_of_stream
from rapport_events.keyring import Erased, SealKey, TenantKeys
from rapport_events.ledger import NONE, Append, Claim, ClaimRef, CommandKey, NewEvent, StreamAppend
from rapport_events.waves import Touch

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Plan(msgspec.Struct):
    """One request, and what has been found out about it."""

    request: Request
    index: int
    keys: TenantKeys
    target: Target
    ids: dict[CustomerRef, CustomerId] = msgspec.field(default_factory=dict[CustomerRef, CustomerId])
    """Whom the wish names, as of when it happened."""
    stream: str = ""
    subject: str = ""
    partition: int = 0
    expected: int = NONE
    reads: bool = False
    history: list[Recorded] = msgspec.field(default_factory=list[Recorded])
    beside: Beside = NOBODY
    events: list[tuple[EventId, Event]] = msgspec.field(default_factory=list[tuple[EventId, Event]])
    claims: list[Claim] = msgspec.field(default_factory=list[Claim])
    turns: dict[CustomerRef, int] = msgspec.field(default_factory=dict[CustomerRef, int])
    at: datetime = _LONG_AGO
    named: CommandKey | None = None
    """What it is called by its idempotency key, once that was asked for."""

    @property
    def tenant(self) -> TenantId:
        """Whose it is."""
        return self.request.tenant

    def ref(self, named: ExternalRef) -> ClaimRef:
        """Return the claim on the outside name of the fact that began the stream."""
        return fact_claim(self.keys, self.target.noun, named)

    def names(self) -> set[CustomerRef]:
        """Return every customer whom the wish names."""
        handler, command = self.request.handler, self.request.command
        names = {*handler.mentions(command), *handler.identities(command), *handler.beside(command)}
        for target in (self.target, self.target.otherwise):
            if target is not None and target.under is not None:
                names.add(target.under)
        return names


def touch(plan: Plan) -> Touch:
    """Say what a command has to do with others: none may be decided beside an earlier one of its stream."""
    target, tenant = plan.target, plan.tenant
    under = target.under or (target.otherwise.under if target.otherwise is not None else None)
    needs: set[object] = set()
    makes: set[object] = set()
    if target.named is not None:
        needs.add((tenant, target.noun, target.named))
    if target.id is not None:
        needs.add((tenant, target.noun, target.id))
    elif target.noun == "customer" and target.under is not None:
        needs.add((tenant, "customer", plan.ids[target.under]))
    elif target.noun == "tenant":
        needs.add((tenant, "tenant"))
    needs.update((tenant, "customer", other) for other in ids_beside(plan.request, plan.ids))
    external = plan.request.handler.external(plan.request.command)
    if external is not None:
        makes.add((tenant, plan.request.handler.fact or target.noun, external))
    return Touch(frozenset(needs), frozenset(makes), (tenant, under) if under is not None else None)


def settle(plan: Plan, found: str | None) -> bool:
    """Fix a plan's stream, subject and partition; say whether that was possible."""
    target, tenant = plan.target, plan.tenant
    if target.named is not None and found is None and target.otherwise is not None:
        plan.target = target = target.otherwise
    if target.noun == "tenant":
        plan.stream, plan.subject, plan.reads = f"tenant-{tenant}", str(tenant), True
    elif target.noun == "customer" and target.under is not None:
        plan.subject = str(plan.ids[target.under])
        plan.stream, plan.reads = f"customer-{plan.subject}", not target.begins
    elif target.named is not None:
        plan.stream, plan.reads = found or "", True
    elif target.id is not None:
        plan.stream, plan.subject, plan.reads = f"{target.noun}-{target.id}", str(target.id), not target.begins
    elif target.under is not None:
        plan.subject = str(plan.ids[target.under])
        plan.stream = f"{target.noun}-{new_id(partition_of_key(tenant, plan.subject))}"
    if plan.stream:
        try:
            plan.partition = partition_of_stream(tenant, plan.stream)
        except ValueError:
            return False
    return bool(plan.stream)


def claims_of(plan: Plan) -> list[Claim]:
    """Return what a decided command claims."""
    handler, command = plan.request.handler, plan.request.command
    first = plan.events[0][0]
    claims: list[Claim] = []
    external = handler.external(command)
    if external is not None:
        ref = fact_claim(plan.keys, handler.fact or plan.target.noun, external)
        claims.append(Claim(ref, plan.stream, first, is_fact=True))
    for name in handler.identities(command):
        ref = identity_claim(plan.keys, name, plan.turns.get(name, 0))
        claims.append(Claim(ref, plan.stream, first, is_fact=False))
    return claims


def to_append(plan: Plan, key: SealKey | Erased | None) -> Append:
    """Make the append of a decided command; that for a whole party has a stream for each id, its own the last."""
    streams = [StreamAppend(plan.stream, plan.partition, plan.expected, _events(plan, plan.subject, plan.events, key))]
    if plan.request.handler.for_party:
        for customer, version in plan.beside.versions.items():
            stream = f"customer-{customer}"
            if stream != plan.stream:
                events = _events(plan, str(customer), [(EventId(new_id()), event) for _, event in plan.events], None)
                partition = partition_of_stream(plan.tenant, stream)
                streams.insert(0, StreamAppend(stream, partition, version, events))
    return Append(tuple(streams), command_key(plan), tuple(plan.claims))


def _events(
    plan: Plan, subject: str, events: Sequence[tuple[EventId, Event]], key: SealKey | Erased | None
) -> tuple[NewEvent, ...]:
    request, named = plan.request, command_key(plan)
    meta = Meta(
        actor=request.actor,
        correlation_id=request.correlation_id,
        causation_id=request.causation_id,
        traceparent=request.traceparent,
        claims=tuple(f"{claim.ref.kind}:{claim.ref.digest.hex()}" for claim in plan.claims),
        command_key=f"{named.digest.hex()}.{named.fingerprint.hex()}" if named else None,
    ).to_json()
    return tuple(
        NewEvent(
            event_id=event_id,
            type=event.type,
            schema=schema_of(type(event)),
            subject=subject,
            data=encode(event, tenant=plan.tenant, event_id=event_id, key=key),
            meta=meta,
            occurred_at=plan.at,
            caused_at=request.caused_at,
        )
        for event_id, event in events
    )


def command_key(plan: Plan) -> CommandKey | None:
    """Return the digest of a command's idempotency key, and what it was used for."""
    request = plan.request
    if request.key is None or plan.named is not None:
        return plan.named
    # Under the tenant's key: a plain hash of what was said would tell for ever whether a guess at it is right.
    body = digest(plan.keys, "fingerprint", request.handler.name, hashlib.sha256(request.body).hexdigest())
    plan.named = CommandKey(digest(plan.keys, "command", request.key), body)
    return plan.named


def by_tenant(plans: Sequence[Plan]) -> Mapping[TenantId, Sequence[Plan]]:
    """Group plans by tenant."""
    if len(plans) == 1:
        return {plans[0].tenant: plans}
    groups: dict[TenantId, list[Plan]] = defaultdict(list)
    for plan in plans:
        groups[plan.tenant].append(plan)
    return groups


def subjects_of(plans: Collection[Plan]) -> set[CustomerId]:
    """Return the customers about whom something personal is to be recorded."""
    return {CustomerId(UUID(plan.subject)) for plan in plans if any(pii_of(e) for _, e in plan.events)}
