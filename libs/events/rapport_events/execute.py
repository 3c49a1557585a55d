"""Load, fold, decide, append, and again on a race: how every command is carried out, alone or a thousand at a time."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from pydantic import ValidationError

from rapport_events.beside import FindParties, each_alone, fold_state, ids_beside, look_beside
from rapport_events.claiming import customers_of, next_turns
from rapport_events.codec import key_ids
from rapport_events.command import CustomerRef, Occasion, Request
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
from rapport_events.ids import EventId, TenantId, new_id, stream_id
from rapport_events.keyring import Erased, Keyring, SealKey
from rapport_events.ledger import (
    Appended,
    CauseAhead,
    ClaimTaken,
    FactKnown,
    KeyReused,
    Ledger,
    LedgerShut,
    Outcome,
    Place,
    VersionConflict,
)
from rapport_events.packing import DATA_BYTES_MAX, fits
from rapport_events.plans import Plan, by_tenant, claims_of, command_key, settle, subjects_of, to_append, touch
from rapport_events.results import Done, Result, as_before, first_answer
from rapport_events.waves import split

TRIES = 8
"""How often a command is decided anew after losing a race."""

CatchUp = Callable[[], Awaitable[None]]
"""Waits until the read model that parties are found in shows all that was acknowledged before."""


async def _at_once() -> None:
    """Wait for nothing: where there is no read model."""


class Executor:
    """Carries out commands against one service's ledger."""

    def __init__(
        self,
        ledger: Ledger,
        keyring: Keyring,
        find_parties: FindParties = each_alone,
        catch_up: CatchUp = _at_once,
    ) -> None:
        self._ledger = ledger
        self._keyring = keyring
        self._find_parties = find_parties
        self._catch_up = catch_up

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
            Plan(request, index, keys[request.tenant], request.handler.target(request.command))
            for index, request in enumerate(requests)
        ]
        await self._name(plans)
        # Most commands come alone; then there is nothing to split.
        for wave in split((plan, touch(plan)) for plan in plans) if len(plans) > 1 else [plans]:
            await self._carry_out(wave, results)
        return await as_before(self._ledger, [(request.tenant, results[n]) for n, request in enumerate(requests)])

    async def _name(self, plans: list[Plan]) -> None:
        """Find out whom the wishes mean: somebody who came back after an erasure has another id than before."""
        now = datetime.now(UTC)
        for tenant, group in by_tenant(plans).items():
            named = [(plan, (ref, plan.request.command.at or now)) for plan in group for ref in plan.names()]
            ids = await customers_of(self._keyring, tenant, {pair for _, pair in named}) if named else {}
            for plan, pair in named:
                plan.ids[pair[0]] = ids[pair]

    async def _carry_out(self, plans: list[Plan], results: dict[int, Result]) -> None:
        for _ in range(TRIES):
            placed = await self._place(plans, results)
            await self._load(placed)
            decided = await self._decide(placed, results)
            plans = await self._append(decided, results)
            if not plans:
                return
        results.update({plan.index: VersionRace(stream=plan.stream) for plan in plans})

    async def _place(self, plans: list[Plan], results: dict[int, Result]) -> list[Plan]:
        """Find each plan's stream; those that name a fact by its outside name ask for its claim."""
        found = await self._find([plan for plan in plans if plan.target.named is not None and not plan.stream])
        placed: list[Plan] = []
        for plan in plans:
            if plan.stream or settle(plan, found.get(plan.index)):
                placed.append(plan)
            else:
                results[plan.index] = StreamNotFound(noun=plan.target.noun)
        return placed

    async def _find(self, plans: list[Plan]) -> dict[int, str]:
        found: dict[int, str] = {}
        for tenant, group in by_tenant(plans).items():
            refs = [plan.ref(plan.target.named) for plan in group if plan.target.named is not None]
            for plan, claim in zip(group, await self._ledger.find(tenant, refs), strict=True):
                if claim is not None:
                    found[plan.index] = claim.stream
        return found

    async def _load(self, plans: list[Plan]) -> None:
        for tenant, group in by_tenant([plan for plan in plans if plan.reads]).items():
            streams = await self._ledger.read_streams(tenant, sorted({plan.stream for plan in group}))
            for plan in group:
                plan.history = streams.get(plan.stream, [])
        handlers = [plan.request.handler for plan in plans]
        if any(handler.for_party or handler.awaits_parties for handler in handlers):
            await self._catch_up()
        looking = [plan for plan in plans if plan.request.handler.for_party or ids_beside(plan.request, plan.ids)]
        for tenant, group in by_tenant(looking).items():
            wanted = [(plan.request, UUID(plan.subject), ids_beside(plan.request, plan.ids)) for plan in group]
            found = await look_beside(self._ledger, self._find_parties, tenant, wanted)
            for plan, beside in zip(group, found, strict=True):
                plan.beside = beside

    async def _decide(self, plans: list[Plan], results: dict[int, Result]) -> list[Plan]:
        opened = await self._open([plan for plan in plans if plan.request.handler.opens])
        now = datetime.now(UTC)
        decided: list[Plan] = []
        for plan in plans:
            try:
                first = first_answer(plan.history, command_key(plan)) if plan.history else None
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

    def _decide_one(self, plan: Plan, now: datetime, opened: Mapping[str, bytes | None]) -> None:
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
        state = fold_state(request, plan.history, opened)
        plan.at = request.command.at or now
        thing = UUID(int=0) if plan.target.noun == "tenant" else stream_id(plan.stream)
        mentioned = {ref: plan.ids[ref] for ref in handler.mentions(request.command)}
        beside = plan.beside
        occasion = Occasion(plan.tenant, plan.subject, thing, plan.at, now, mentioned, beside.others, beside.parties)
        try:
            events = handler.decide(request.command, state, occasion)
        except ValidationError as error:
            place = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
            raise ValueNotRecordable(member=place[0] if place else None) from error
        plan.events = [(EventId(new_id()), event) for event in events]
        plan.claims = claims_of(plan) if plan.events else []

    async def _open(self, plans: list[Plan]) -> dict[int, Mapping[str, bytes | None]]:
        opened: dict[int, Mapping[str, bytes | None]] = {}
        for plan in plans:
            wanted = set[str]().union(*(key_ids(recorded.data) for recorded in plan.history))
            opened[plan.index] = await self._keyring.open_keys(plan.tenant, wanted) if wanted else {}
        return opened

    async def _append(self, plans: list[Plan], results: dict[int, Result]) -> list[Plan]:
        """Append what was decided; return the plans that lost a race and must be decided again."""
        again: list[Plan] = []
        for tenant, group in by_tenant(plans).items():
            keys = await self._seal_keys(tenant, group)
            made = [(plan, to_append(plan, keys.get(plan.subject))) for plan in group]
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

    async def _next_turns(self, plan: Plan) -> dict[CustomerRef, int] | None:
        return await next_turns(self._ledger, plan.keys, plan.request, plan.ids, plan.turns)

    async def _seal_keys(self, tenant: TenantId, plans: Sequence[Plan]) -> dict[str, SealKey | Erased]:
        """Fetch the keys of all customers about whom something personal is to be recorded."""
        subjects = subjects_of(plans)
        found = await self._keyring.seal_keys(tenant, subjects) if subjects else {}
        return {str(customer): key for customer, key in found.items()}


def _result(plan: Plan, outcome: Outcome) -> Result:
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
