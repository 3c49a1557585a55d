"""What the analytics service publishes: what follows from the facts of the others."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rapport_events.contracts.base import (
    Channel,
    Code,
    Count,
    Currency,
    Declared,
    Event,
    Number,
    PositiveMoney,
    Value,
    Version,
)
from rapport_events.contracts.platform import WebhookEvent
from rapport_events.ids import EventId

Stage = Literal["suspect", "prospect", "first_time", "repeat", "majority", "loyal", "advocate"]
"""How far a customer has come with us, in this order."""


class CustomerStageReached(Event, frozen=True):
    """A customer came to another stage of the journey."""

    type: Literal["crm.customer.stage_reached.v1"] = "crm.customer.stage_reached.v1"
    stage: Stage
    previous: Stage | None = None
    """Absent: the customer had none."""
    rule_version: Version
    """Version of the table of stages that was followed."""
    because: Annotated[tuple[EventId, ...], Field(max_length=100)] = ()
    """The facts that decided it."""


SegmentId = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", examples=["regulars"]),
    Declared("id", "what the tenant calls one of its segments; never a person"),
]


class TotalCondition(Value, frozen=True):
    """What a customer has bought or got back lies within limits; both are included."""

    kind: Literal["total"] = "total"
    measure: Literal["purchases", "revenue", "refunds", "refunded"]
    """Counts, or sums of money."""
    currency: Currency | None = None
    """Sums are always of one currency; counts without one are of all currencies."""
    at_least: PositiveMoney | None = None
    at_most: PositiveMoney | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.at_least is None and self.at_most is None:
            msg = "give at_least, at_most, or both"
            raise ValueError(msg)
        if self.measure in {"revenue", "refunded"} and self.currency is None:
            msg = "a sum of money needs its currency"
            raise ValueError(msg)
        return self


class StageCondition(Value, frozen=True):
    """A customer has reached one of these stages, and no higher one."""

    kind: Literal["stage"] = "stage"
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=7)]


class ConsentCondition(Value, frozen=True):
    """We may approach a customer for a purpose."""

    kind: Literal["consent"] = "consent"
    purpose: Code
    channel: Channel | None = None
    """Absent: on every channel."""


class AttributeCondition(Value, frozen=True):
    """An attribute has one of these values, under any id of the party."""

    kind: Literal["attribute"] = "attribute"
    name: Code
    values: Annotated[tuple[Code | bool | Number, ...], Field(min_length=1, max_length=50)]


LeafCondition = Annotated[
    TotalCondition | StageCondition | ConsentCondition | AttributeCondition, Field(discriminator="kind")
]


class GroupCondition(Value, frozen=True):
    """All, any or none of some conditions hold."""

    kind: Literal["group"] = "group"
    match: Literal["all", "any", "none"]
    conditions: Annotated[tuple[LeafCondition, ...], Field(min_length=1, max_length=20)]


class Condition(Value, frozen=True):
    """All, any or none of some conditions, or groups of them, hold."""

    match: Literal["all", "any", "none"]
    conditions: Annotated[
        tuple[
            Annotated[
                TotalCondition | StageCondition | ConsentCondition | AttributeCondition | GroupCondition,
                Field(discriminator="kind"),
            ],
            ...,
        ],
        Field(min_length=1, max_length=20),
    ]


class SegmentDefined(Event, frozen=True):
    """A segment was defined, or defined anew; whoever meets its condition is a member. The subject is the tenant."""

    type: Literal["crm.segment.defined.v1"] = "crm.segment.defined.v1"
    segment_id: SegmentId
    version: Count
    """Counts the definitions of this segment, from 1."""
    name: Code
    condition: Condition


class SegmentRetired(Event, frozen=True):
    """A segment is used no more; all memberships in it end with this. The subject is the tenant."""

    type: Literal["crm.segment.retired.v1"] = "crm.segment.retired.v1"
    segment_id: SegmentId
    version: Count
    """That of its last definition."""


class SegmentEntered(Event, frozen=True):
    """A customer came to meet the condition of a segment."""

    type: Literal["crm.segment.entered.v1"] = "crm.segment.entered.v1"
    segment_id: SegmentId
    version: Count
    """Of the definition that was followed."""
    because: Annotated[tuple[EventId, ...], Field(max_length=100)] = ()
    """The facts that decided it, the latest 100 of them."""


class SegmentLeft(Event, frozen=True):
    """A customer does not meet the condition of a segment any more, or has become part of another party."""

    type: Literal["crm.segment.left.v1"] = "crm.segment.left.v1"
    segment_id: SegmentId
    version: Count
    """Of the definition that was followed."""
    because: Annotated[tuple[EventId, ...], Field(max_length=100)] = ()
    """The facts that decided it, the latest 100 of them."""


AnalyticsEvent = Annotated[
    CustomerStageReached | SegmentDefined | SegmentRetired | SegmentEntered | SegmentLeft | WebhookEvent,
    Field(discriminator="type"),
]
