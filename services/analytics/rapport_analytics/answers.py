"""What analytics answers over HTTP: totals and stage of a customer, the figures of a tenant, the pulse of the suite."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from rapport_analytics.stages import JourneyFact, journey
from rapport_analytics.views.report import read_report
from rapport_chassis.moments import MomentShown
from rapport_chassis.reading import Read, ReadAt
from rapport_chassis.standing import Freshness
from rapport_events.contracts.analytics import Stage
from rapport_events.contracts.base import Currency, Money
from rapport_events.parties import members
from rapport_events.statements import load

router = APIRouter(prefix="/v1", tags=["analytics"])

SALES_SHOWN_MAX = 100
PAST = "What the answer is about; null: the present."


class Total(BaseModel):
    """Count and sum of purchases and refunds in one currency."""

    currency: Currency
    purchases: int
    revenue: Money
    refunds: int
    refunded: Money = Field(description="Positive.")
    first_purchase_at: datetime | None
    last_purchase_at: datetime | None


class Sale(BaseModel):
    """A purchase or a refund behind the totals, and the event that tells of it."""

    kind: str
    thing_id: UUID
    event_id: UUID
    partition: int
    position: int
    amount: Money = Field(description="Positive for refunds, too.")
    currency: Currency
    occurred_at: datetime


class Totals(BaseModel):
    """What a party has bought and got back."""

    customer_id: UUID
    totals: list[Total]
    sales: list[Sale] = Field(description=f"The latest {SALES_SHOWN_MAX} of the facts that the totals are made of.")
    moment: MomentShown | None = Field(description=PAST)
    freshness: Freshness


class Reason(BaseModel):
    """A fact that decided a stage, and where it lies."""

    event_id: UUID
    source: str
    partition: int
    kind: str
    occurred_at: datetime


class ReachedStage(BaseModel):
    """A stage, when it was reached, and the events that decided it."""

    stage: Stage
    previous: Stage | None
    because: list[Reason]
    customer_id: UUID
    event_id: UUID | None = Field(
        description="The event that tells of it. Null as long as none does, and with `as_of`: the stage is worked out "
        "from the facts."
    )
    occurred_at: datetime


class CustomerStage(BaseModel):
    """How far a party has come."""

    customer_id: UUID
    current: Stage | None
    stages: list[ReachedStage] = Field(description="Every stage that the facts led to, the latest first.")
    moment: MomentShown | None = Field(description=PAST)
    freshness: Freshness


class Minute(BaseModel):
    """Events recorded in one minute by one service."""

    source: str
    minute: datetime
    events: int


class Pulse(BaseModel):
    """The last minutes."""

    minutes: list[Minute]
    freshness: Freshness


@router.get("/customers/{customer_id}/totals", operation_id="read_customer_totals")
async def read_totals(customer_id: UUID, read: ReadAt) -> Totals:
    """Count and sum what all ids of the customer have bought and got back."""
    limits = read.moment.limits
    async with read.rows() as connection:
        ids = await members(connection, read.caller.tenant, customer_id, known_at=read.moment.known_at)
        if read.moment.is_now:
            totals = await connection.fetch(load("rapport_analytics", "customer_totals"), ids)
        else:
            totals = await connection.fetch(load("rapport_analytics", "customer_totals_at"), ids, *limits)
        sales = await connection.fetch(load("rapport_analytics", "customer_sales"), ids, SALES_SHOWN_MAX, *limits)
    freshness = await read.freshness("totals", "sales", "parties")
    return Totals(
        customer_id=customer_id,
        totals=[Total(**row) for row in totals],
        sales=[Sale(**row) for row in sales],
        moment=read.moment.shown(freshness),
        freshness=freshness,
    )


@router.get("/customers/{customer_id}/stage", operation_id="read_customer_stage")
async def read_stage(customer_id: UUID, read: ReadAt) -> CustomerStage:
    """Say how far the customer has come, and because of which events."""
    limits = read.moment.limits
    async with read.rows() as connection:
        ids = await members(connection, read.caller.tenant, customer_id, known_at=read.moment.known_at)
        facts = await connection.fetch(load("rapport_analytics", "journey_facts_at"), ids, *limits)
        published = await connection.fetch(load("rapport_analytics", "customer_stages"), ids, limits[1])
    if read.moment.as_of is not None:
        facts.sort(key=lambda fact: cast("datetime", fact["occurred_at"]))
        published = []
    stages = _stages(facts, published)
    freshness = await read.freshness("stages", "journey", "parties")
    return CustomerStage(
        customer_id=customer_id,
        current=stages[0].stage if stages else None,
        stages=stages,
        moment=read.moment.shown(freshness),
        freshness=freshness,
    )


def _stages(facts: Sequence[asyncpg.Record], published: Sequence[asyncpg.Record]) -> list[ReachedStage]:
    """
    Work out the stages that a party has reached, the latest first, and find the events that tell of them.

    Published ones alone do not tell: those of a party that has come apart say more than holds, and with a purchase that
    is learned of late, the stages of its time are others than were published then.
    """
    by_id = {row["event_id"]: row for row in facts}
    told = {(row["stage"], frozenset(row["because"])): row["event_id"] for row in published}
    stages: list[ReachedStage] = []
    for step in journey(_fact(row) for row in facts):
        because = [fact.event_id for fact in step.because]
        reached = ReachedStage(
            stage=step.stage,
            previous=stages[0].stage if stages else None,
            because=[Reason(**{name: by_id[event_id][name] for name in Reason.model_fields}) for event_id in because],
            customer_id=step.because[-1].customer,
            event_id=told.get((step.stage, frozenset(because))),
            occurred_at=step.because[-1].occurred_at,
        )
        stages.insert(0, reached)
    return stages


def _fact(row: asyncpg.Record) -> JourneyFact:
    return JourneyFact(**{name: row[name] for name in JourneyFact.__dataclass_fields__})


@router.get("/report", operation_id="read_report")
async def report(read: Read) -> dict[str, Any]:
    """
    All figures of the tenant: customers, purchases, refunds, complaints, contacts, imports.

    Sums of money are exact decimal strings, counts integers, rates and means numbers (null where there is nothing to
    divide by). Months are those of the tenant's zone; only sums in its currency enter the totals.
    """
    async with read.rows() as connection:
        figures = await read_report(connection)
    views = ("sales", "customers", "contacts", "complaints", "imports", "settings", "parties")
    return {"freshness": (await read.freshness(*views)).model_dump(mode="json"), **figures}


@router.get("/pulse", operation_id="read_pulse")
async def pulse(read: Read, minutes: Annotated[int, Query(ge=1, le=1440)] = 60) -> Pulse:
    """Events recorded in each of the last minutes, by service."""
    async with read.rows() as connection:
        rows = await connection.fetch(load("rapport_analytics", "pulse"), minutes)
    return Pulse(minutes=[Minute(**row) for row in rows], freshness=await read.freshness("pulse"))
