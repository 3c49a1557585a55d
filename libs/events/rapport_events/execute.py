"""Load, fold, decide, append, and again on a race: how every command is carried out, alone or a thousand at a time."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from pydantic import ValidationError

from rapport_events.beside import Beside, FindParties, each_alone, ids_beside, look_beside
from rapport_events.claiming import customer_of, fact_claim, identity_claim, next_turns
from rapport_events.codec import decode, encode, key_ids, schema_of
from rapport_events.command import CustomerRef, ExternalRef, Occasion, Request, Target
from rapport_events.contracts.base import Event
from rapport_events.envelope import Meta, Recorded
from rapport_events.errors import (
    EventTooLarge,
    IdentityTaken,
    KeyReusedForOtherBody,
    Refusal,
    StreamNotFound,
    ValueNotRecordable,
    VersionNotMet,
    VersionRace,
)
from rapport_events.identities import digest
from rapport_events.ids import CustomerId, EventId, TenantId, new_id, partition_of_key, partition_of_stream, stream_id
from rapport_events.keyring import Erased, Keyring, SealKey, TenantKeys
from rapport_events.ledger import (
    NONE,
    Append,
    Appended,
    CauseAhead,
    Claim,
    ClaimRef,
    ClaimTaken,
    CommandKey,
    FactKnown,
    KeyReused,
    Ledger,
    LedgerShut,
    NewEvent,
    Outcome,
    Place,
    StreamAppend,
    VersionConflict,
)
from rapport_events.packing import DATA_BYTES_MAX, fits
from rapport_events.results import Done, Result, as_before, first_answer
from rapport_events.waves import Touch, split

TRIES = 8
"""How often a command is decided anew after losing a race."""


_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NOBODY = Beside({}, {})


@dataclass(slots=True)
class _Plan:
    """One request on its way: where it will be decided, and what has been found out so far."""

    request: Request
    index: int
    keys: TenantKeys
    target: Target
    stream: str = ""
    subject: str = ""
    partition: int = 0
    expected: int = NONE
    reads: bool = False
    history: list[Recorded] = field(default_factory=list[Recorded])
    events: list[tuple[EventId, Event]] = field(default_factory=list[tuple[EventId, Event]])
    claims: list[Claim] = field(default_factory=list[Claim])
    turns: dict[CustomerRef, int] = field(default_factory=dict[CustomerRef, int])
    at: datetime = _LONG_AGO
    beside: Beside = _NOBODY

    @property
    def tenant(self) -> TenantId:
        return self.request.tenant

    def ref(self, named: ExternalRef) -> ClaimRef:
        return fact_claim(self.keys, self.target.noun, named)


class Executor:
    """Carries out commands against one service's ledger."""

    def __init__(self, ledger: Ledger, keyring: Keyring, find_parties: FindParties = each_alone) -> None:
        self._ledger = ledger
        self._keyring = keyring
        self._find_parties = find_parties

    async def execute(self, requests: Sequence[Request]) -> list[Result]:
        """
        Carry out commands; those on one stream in the order given.

        Args:
            requests: 1 to 1,000, of any tenants.

        Returns:
            One result for each, in order: `Done`, or the refusal (not raised, so that neighbours go on).

        Raises:
            LedgerShut, KeyringAway: Nothing can be recorded now; repeat with the same keys.
        """
        results: dict[int, Result] = {}
        tenants = {request.tenant for request in requests}
        keys = {tenant: await self._keyring.tenant_keys(tenant) for tenant in tenants}
        plans = [
            _Plan(request, index, keys[request.tenant], request.handler.target(request.command))
            for index, request in enumerate(requests)
        ]
        # Most commands come alone; then there is nothing to split.
        for wave in split((plan, _touch(plan)) for plan in plans) if len(plans) > 1 else [plans]:
            await self._carry_out(wave, results)
        answers = [results[index] for index in range(len(requests))]
        return [await as_before(self._ledger, answers[0], plans[0].tenant)] if len(answers) == 1 else answers

    async def _carry_out(self, plans: list[_Plan], results: dict[int, Result]) -> None:
        for _ in range(TRIES):
            placed = await self._place(plans, results)
            await self._load(placed)
            decided = await self._decide(placed, results)
            plans = await self._append(decided, results)
            if not plans:
                return
        results.update({plan.index: VersionRace(stream=plan.stream) for plan in plans})

    async def _place(self, plans: list[_Plan], results: dict[int, Result]) -> list[_Plan]:
        """Find each plan's stream; those that name a fact by its outside name ask for its claim."""
        found = await self._find([plan for plan in plans if plan.target.named is not None and not plan.stream])
        placed: list[_Plan] = []
        for plan in plans:
            if plan.stream or _settle(plan, found.get(plan.index)):
                placed.append(plan)
            else:
                results[plan.index] = StreamNotFound(noun=plan.target.noun)
        return placed

    async def _find(self, plans: list[_Plan]) -> dict[int, str]:
        found: dict[int, str] = {}
        for tenant, group in _by_tenant(plans).items():
            refs = [plan.ref(plan.target.named) for plan in group if plan.target.named is not None]
            for plan, claim in zip(group, await self._ledger.find(tenant, refs), strict=True):
                if claim is not None:
                    found[plan.index] = claim.stream
        return found

    async def _load(self, plans: list[_Plan]) -> None:
        for tenant, group in _by_tenant([plan for plan in plans if plan.reads]).items():
            streams = await self._ledger.read_streams(tenant, sorted({plan.stream for plan in group}))
            for plan in group:
                plan.history = streams.get(plan.stream, [])
        looking = [plan for plan in plans if ids_beside(plan.request, plan.keys)]
        for tenant, group in _by_tenant(looking).items():
            wanted = [(plan.request, UUID(plan.subject), ids_beside(plan.request, plan.keys)) for plan in group]
            found = await look_beside(self._ledger, self._find_parties, tenant, wanted)
            for plan, beside in zip(group, found, strict=True):
                plan.beside = beside

    async def _decide(self, plans: list[_Plan], results: dict[int, Result]) -> list[_Plan]:
        opened = await self._open([plan for plan in plans if plan.request.handler.opens])
        now = datetime.now(UTC)
        decided: list[_Plan] = []
        for plan in plans:
            try:
                first = first_answer(plan.history, _command_key(plan)) if plan.history else None
                if first is not None:
                    results[plan.index] = first
                    continue
                self._decide_one(plan, now, opened.get(plan.index, {}))
            except Refusal as refusal:
                results[plan.index] = refusal
                continue
            if plan.events:
                decided.append(plan)
            else:
                version = len(plan.history)
                place = (Place(plan.partition, plan.history[-1].position, version),) if plan.history else ()
                results[plan.index] = Done(plan.stream, version, place)
        return decided

    def _decide_one(self, plan: _Plan, now: datetime, opened: Mapping[str, bytes | None]) -> None:
        request, handler = plan.request, plan.request.handler
        if plan.reads:
            plan.expected = len(plan.history)
            if plan.target.id is not None or plan.target.named is not None:
                if not plan.history:
                    raise StreamNotFound(noun=plan.target.noun)
                plan.subject = plan.history[0].subject
        wanted = request.expected_version
        if wanted is not None and wanted != plan.expected:
            raise VersionNotMet(expected=wanted, current=plan.expected)
        state = handler.initial
        for recorded in plan.history:
            state = handler.evolve(state, decode(recorded, opened))
        plan.at = request.command.at or now
        thing = UUID(int=0) if plan.target.noun == "tenant" else stream_id(plan.stream)
        mentioned = {ref: customer_of(plan.keys, ref) for ref in handler.mentions(request.command)}
        beside = plan.beside
        occasion = Occasion(plan.tenant, plan.subject, thing, plan.at, now, mentioned, beside.others, beside.parties)
        try:
            events = handler.decide(request.command, state, occasion)
        except ValidationError as error:
            place = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
            raise ValueNotRecordable(member=place[0] if place else None) from error
        plan.events = [(EventId(new_id()), event) for event in events]
        plan.claims = _claims(plan) if plan.events else []

    async def _open(self, plans: list[_Plan]) -> dict[int, Mapping[str, bytes | None]]:
        opened: dict[int, Mapping[str, bytes | None]] = {}
        for plan in plans:
            wanted = set[str]().union(*(key_ids(recorded.data) for recorded in plan.history))
            opened[plan.index] = await self._keyring.open_keys(plan.tenant, wanted) if wanted else {}
        return opened

    async def _append(self, plans: list[_Plan], results: dict[int, Result]) -> list[_Plan]:
        """Append what was decided; return the plans that lost a race and must be decided again."""
        again: list[_Plan] = []
        for tenant, group in _by_tenant(plans).items():
            keys = await self._seal_keys(tenant, group)
            made = [(plan, _to_append(plan, keys.get(plan.subject))) for plan in group]
            appends = [(plan, append) for plan, append in made if fits(append)]
            if len(appends) < len(made):
                kept = {plan.index for plan, _ in appends}
                results |= {p.index: EventTooLarge(bytes_max=DATA_BYTES_MAX) for p in group if p.index not in kept}
            outcomes = await self._ledger.append(tenant, [append for _, append in appends]) if appends else []
            for (plan, _), outcome in zip(appends, outcomes, strict=True):
                if isinstance(outcome, VersionConflict):
                    plan.reads = True
                    again.append(plan)
                elif isinstance(outcome, ClaimTaken) and (turns := await self._next_turns(plan)):
                    plan.turns = turns
                    again.append(plan)
                else:
                    results[plan.index] = _result(plan, outcome)
        return again

    async def _next_turns(self, plan: _Plan) -> dict[CustomerRef, int] | None:
        return await next_turns(self._ledger, plan.keys, plan.request, plan.turns)

    async def _seal_keys(self, tenant: TenantId, plans: list[_Plan]) -> dict[str, SealKey | Erased]:
        """Fetch the keys of all customers about whom something personal is to be recorded."""
        subjects = {plan.subject for plan in plans if any(getattr(event, "pii", None) for _, event in plan.events)}
        if not subjects:
            return {}
        found = await self._keyring.seal_keys(tenant, [CustomerId(UUID(subject)) for subject in subjects])
        return {str(customer): key for customer, key in found.items()}


def _touch(plan: _Plan) -> Touch:
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
        needs.add((tenant, "customer", customer_of(plan.keys, target.under)))
    elif target.noun == "tenant":
        needs.add((tenant, "tenant"))
    needs.update((tenant, "customer", other) for other in ids_beside(plan.request, plan.keys))
    external = plan.request.handler.external(plan.request.command)
    if external is not None:
        makes.add((tenant, plan.request.handler.fact or target.noun, external))
    return Touch(frozenset(needs), frozenset(makes), (tenant, under) if under is not None else None)


def _settle(plan: _Plan, found: str | None) -> bool:
    """Fix a plan's stream, subject and partition; say whether that was possible."""
    target, tenant = plan.target, plan.tenant
    if target.named is not None and found is None and target.otherwise is not None:
        plan.target = target = target.otherwise
    if target.noun == "tenant":
        plan.stream, plan.subject, plan.reads = f"tenant-{tenant}", str(tenant), True
    elif target.noun == "customer" and target.under is not None:
        plan.subject = str(customer_of(plan.keys, target.under))
        plan.stream, plan.reads = f"customer-{plan.subject}", not target.begins
    elif target.named is not None:
        plan.stream, plan.reads = found or "", True
    elif target.id is not None:
        plan.stream, plan.subject, plan.reads = f"{target.noun}-{target.id}", str(target.id), not target.begins
    elif target.under is not None:
        plan.subject = str(customer_of(plan.keys, target.under))
        plan.stream = f"{target.noun}-{new_id(partition_of_key(tenant, plan.subject))}"
    if plan.stream:
        try:
            plan.partition = partition_of_stream(tenant, plan.stream)
        except ValueError:
            return False
    return bool(plan.stream)


def _claims(plan: _Plan) -> list[Claim]:
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


def _to_append(plan: _Plan, key: SealKey | Erased | None) -> Append:
    request = plan.request
    command_key = _command_key(plan)
    meta = Meta(
        actor=request.actor,
        correlation_id=request.correlation_id,
        causation_id=request.causation_id,
        traceparent=request.traceparent,
        claims=tuple(f"{claim.ref.kind}:{claim.ref.digest.hex()}" for claim in plan.claims),
        command_key=f"{command_key.digest.hex()}.{command_key.fingerprint.hex()}" if command_key else None,
    ).to_json()
    events = tuple(
        NewEvent(
            event_id=event_id,
            type=event.type,
            schema=schema_of(type(event)),
            subject=plan.subject,
            data=encode(event, tenant=plan.tenant, event_id=event_id, key=key),
            meta=meta,
            occurred_at=plan.at,
            caused_at=request.caused_at,
        )
        for event_id, event in plan.events
    )
    stream = StreamAppend(plan.stream, plan.partition, plan.expected, events)
    return Append((stream,), command_key, tuple(plan.claims))


def _command_key(plan: _Plan) -> CommandKey | None:
    request = plan.request
    if request.key is None:
        return None
    # Under the tenant's key: a plain hash of what was said would tell for ever whether a guess at it is right.
    body = digest(plan.keys, "fingerprint", request.handler.name, hashlib.sha256(request.body).hexdigest())
    return CommandKey(digest(plan.keys, "command", request.key), body)


def _result(plan: _Plan, outcome: Outcome) -> Result:
    match outcome:
        case Appended(places, repeated):
            version = places[-1].version
            event_ids = () if repeated else tuple(event_id for event_id, _ in plan.events)
            return Done(plan.stream, version, places, event_ids, repeated)
        case FactKnown(stream, event_id):
            return Done(stream, 0, (), (event_id,), repeated=True)
        case ClaimTaken(stream):
            return IdentityTaken(customer_id=str(stream_id(stream)))
        case KeyReused():
            return KeyReusedForOtherBody()
        case CauseAhead():
            msg = "the causing event is recorded more than 10 s ahead of this database's clock"
            raise LedgerShut(msg)
        case _:
            return StreamNotFound(noun=plan.target.noun)


def _by_tenant(plans: list[_Plan]) -> dict[TenantId, list[_Plan]]:
    groups: dict[TenantId, list[_Plan]] = defaultdict(list)
    for plan in plans:
        groups[plan.tenant].append(plan)
    return groups
