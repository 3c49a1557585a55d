"""Decides which stage a party has reached, and publishes it once, in the stream of the party's root."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from rapport_analytics.stages import RANK, RULE_VERSION, JourneyFact, Step, journey
from rapport_events.contracts.analytics import CustomerStageReached, Stage
from rapport_events.database import Connection
from rapport_events.ids import EventId, TenantId, partition_of_stream
from rapport_events.ledger import Append
from rapport_events.parties import Party
from rapport_events.reactions import Cause, caused_append, reaction_claim
from rapport_events.statements import load

Root = tuple[TenantId, UUID]


class StageDerivation:
    """Folds the facts of all ids of a party in the suite's order, and publishes each higher stage."""

    view = "journey"

    async def derive(
        self, connection: Connection, parties: Sequence[tuple[TenantId, Party]]
    ) -> list[tuple[TenantId, Append]]:
        """Say which stages are to be published."""
        facts = await _facts(connection, parties)
        published = await _published(connection, [(tenant, party.root) for tenant, party in parties])
        appends: list[tuple[TenantId, Append]] = []
        for tenant, party in parties:
            version, stage = published.get((tenant, party.root), (0, None))
            for step in journey(facts[tenant, party.root]):
                if stage is None or RANK[step.stage] > RANK[stage]:
                    appends.append((tenant, _reach(tenant, party.root, step, stage, version)))
                    version, stage = version + 1, step.stage
        return appends


async def _facts(connection: Connection, parties: Sequence[tuple[TenantId, Party]]) -> dict[Root, list[JourneyFact]]:
    root_of = {(tenant, member): party.root for tenant, party in parties for member in party.members}
    tenants, customers = [tenant for tenant, _ in root_of], [customer for _, customer in root_of]
    facts: dict[Root, list[JourneyFact]] = defaultdict(list)
    for row in await connection.fetch(load("rapport_analytics", "journey_facts"), tenants, customers):
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


async def _published(connection: Connection, roots: Sequence[Root]) -> dict[Root, tuple[int, Stage]]:
    """Read version and stage of each root's stream from the ledger itself: the view of stages may lag behind."""
    streams = [f"customer-{root}" for _, root in roots]
    tenants = [tenant for tenant, _ in roots]
    partitions = [partition_of_stream(tenant, stream) for tenant, stream in zip(tenants, streams, strict=True)]
    rows = await connection.fetch(load("rapport_analytics", "published_stages"), tenants, streams, partitions)
    return {(TenantId(row["tenant_id"]), UUID(row["stream"][-36:])): (row["version"], row["stage"]) for row in rows}


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
        claim=reaction_claim("stage", f"{root}:{trigger.event_id}", RANK[step.stage]),
        expected=version,
    )
