"""Decides which stage a party has reached, and publishes it once, in the stream of the party's root."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson

from rapport_analytics.stages import HIGHEST, RANK, RULE_VERSION, JourneyFact, Step, journey
from rapport_events.contracts.analytics import CustomerStageReached, Stage
from rapport_events.database import Connection
from rapport_events.ids import EventId, TenantId, partition_of_stream
from rapport_events.ledger import Append
from rapport_events.parties import Party
from rapport_events.reactions import Cause, caused_append, reaction_claim
from rapport_events.statements import load

Root = tuple[TenantId, UUID]


class StageDerivation:
    """
    Folds the facts of all ids of a party in the suite's order, and publishes each higher stage.

    A stage is left in one case only: an un-merge or a removed link took away facts that it was reached by. Then the one
    that still holds is published after it.
    """

    view = "journey"

    async def derive(
        self, connection: Connection, parties: Sequence[tuple[TenantId, Party]]
    ) -> list[tuple[TenantId, Append]]:
        """Say which stages are to be published."""
        published = await _published(connection, [(tenant, party.root) for tenant, party in parties])
        parted = await _parted(connection, parties)
        reached = {root: RANK[last.stage] for root, last in published.items() if last.stage and root not in parted}
        facts = await _facts(connection, parties, reached)
        appends: list[tuple[TenantId, Append]] = []
        for tenant, party in parties:
            last = published.get((tenant, party.root), _NEVER)
            version, stage = last.version, last.stage
            own = facts[tenant, party.root]
            for step in _next(own, last, is_parted=(tenant, party.root) in parted):
                appends.append((tenant, _reach(tenant, party.root, step, stage, version)))
                version, stage = version + 1, step.stage
        return appends


@dataclass(frozen=True, slots=True)
class _Published:
    """The last stage in a stream, and the facts by which it was reached."""

    version: int = 0
    stage: Stage | None = None
    because: frozenset[UUID] = frozenset()


_NEVER = _Published()
_NOWHERE: Final = -1


def _next(facts: Sequence[JourneyFact], last: _Published, *, is_parted: bool) -> list[Step]:
    """Return the steps that are to be published: the higher ones, or one back where facts have gone."""
    steps = list(journey(facts))
    if last.stage is None:
        return steps
    higher = [step for step in steps if RANK[step.stage] > RANK[last.stage]]
    has_gone = is_parted and not last.because <= {fact.event_id for fact in facts}
    is_lower = bool(steps) and RANK[steps[-1].stage] < RANK[last.stage]
    return higher or (steps[-1:] if has_gone and is_lower else [])


async def _facts(
    connection: Connection, parties: Sequence[tuple[TenantId, Party]], reached: Mapping[Root, int]
) -> dict[Root, list[JourneyFact]]:
    """Read the facts of each party; of one that has reached a stage for good, those that can lead beyond it."""
    root_of = {(tenant, member): party.root for tenant, party in parties for member in party.members}
    tenants, customers = [tenant for tenant, _ in root_of], [customer for _, customer in root_of]
    ranks = [reached.get((tenant, root), _NOWHERE) for (tenant, _), root in root_of.items()]
    kinds, highest = list(HIGHEST), [RANK[stage] for stage in HIGHEST.values()]
    facts: dict[Root, list[JourneyFact]] = defaultdict(list)
    read = load("rapport_analytics", "leading_facts")
    for row in await connection.fetch(read, tenants, customers, ranks, kinds, highest):
        tenant = TenantId(row["tenant_id"])
        fact = JourneyFact(
            event_id=row["event_id"],
            kind=row["kind"],
            occurred_at=row["occurred_at"],
            recorded_at=row["recorded_at"],
            correlation_id=row["correlation_id"],
            customer=row["customer"],
        )
        facts[tenant, root_of[tenant, fact.customer]].append(fact)
    return facts


async def _published(connection: Connection, roots: Sequence[Root]) -> dict[Root, _Published]:
    """Read the last stage of each root's stream from the ledger itself: the view of stages may lag behind."""
    streams = [f"customer-{root}" for _, root in roots]
    tenants = [tenant for tenant, _ in roots]
    partitions = [partition_of_stream(tenant, stream) for tenant, stream in zip(tenants, streams, strict=True)]
    rows = await connection.fetch(load("rapport_analytics", "published_stages"), tenants, streams, partitions)
    return {
        (TenantId(row["tenant_id"]), UUID(row["stream"][-36:])): _Published(
            row["version"], row["stage"], frozenset(UUID(event_id) for event_id in orjson.loads(row["because"]))
        )
        for row in rows
    }


async def _parted(connection: Connection, parties: Sequence[tuple[TenantId, Party]]) -> set[Root]:
    """Return the roots of parties that have lost an id."""
    root_of = {(tenant, member): party.root for tenant, party in parties for member in party.members}
    tenants, ids = [tenant for tenant, _ in root_of], [member for _, member in root_of]
    rows = await connection.fetch(load("rapport_analytics", "parted"), tenants, ids)
    return {(TenantId(row["tenant_id"]), root_of[TenantId(row["tenant_id"]), row["id"]]) for row in rows}


def _reach(tenant: TenantId, root: UUID, step: Step, previous: Stage | None, version: int) -> Append:
    trigger = step.because[-1]
    event = CustomerStageReached(
        stage=step.stage,
        previous=previous,
        rule_version=RULE_VERSION,
        because=tuple(EventId(fact.event_id) for fact in step.because),
    )
    return caused_append(
        f"customer-{root}",
        [event],
        cause=Cause(
            tenant, str(root), str(trigger.event_id), trigger.correlation_id, trigger.occurred_at, trigger.recorded_at
        ),
        actor="derivation:stage",
        claim=reaction_claim("stage", f"{root}:{version}:{trigger.event_id}", RANK[step.stage]),
        expected=version,
    )
