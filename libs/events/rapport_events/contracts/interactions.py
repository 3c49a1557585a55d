"""What the interactions service publishes: everything that passed between a customer and us."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from rapport_events.contracts.base import (
    STORABLE,
    Actor,
    Attributes,
    AuthorKind,
    CatalogueText,
    Channel,
    Code,
    Currency,
    Event,
    Moment,
    Money,
    Personal,
    Pii,
    PositiveMoney,
    Quantity,
    Reference,
    Value,
    Version,
)
from rapport_events.contracts.platform import ImportCompleted, ImportStarted, WebhookEvent
from rapport_events.ids import CustomerId

Text = Annotated[str, Field(min_length=1, max_length=65_536, pattern=STORABLE)]
"""Free text that somebody wrote, at most 64 Ki characters; more is an attachment."""
Subject = Annotated[str, Field(min_length=1, max_length=1_000, pattern=STORABLE)]
"""A subject line."""

Severity = Literal["low", "normal", "high", "critical"]


class Party(Value, frozen=True):
    """Another customer who took part, besides the event's subject."""

    id: CustomerId
    role: Code


Parties = Annotated[tuple[Party, ...], Field(max_length=100)]


class CustomerContactedPii(Pii, frozen=True):
    """What was said."""

    subject: Personal[Subject] | None = None
    body: Personal[Text] | None = None


class CustomerContacted(Event, frozen=True):
    """The customer and we were in touch, on whatever channel."""

    type: Literal["crm.customer.contacted.v1"] = "crm.customer.contacted.v1"
    interaction_id: UUID
    channel: Channel
    channel_detail: Code | None = None
    """The channel as the source calls it."""
    direction: Literal["inbound", "outbound", "unknown"]
    agent_id: Actor | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    outcome: Code | None = None
    attributes: Attributes = Field(default_factory=dict)
    parties: Parties = ()
    pii: CustomerContactedPii | None = None


class Item(Value, frozen=True):
    """One line of a purchase or a return, as the source has it: negative and zero values occur."""

    product_id: Reference | None = None
    sku: Code | None = None
    description: CatalogueText | None = None
    qty: Quantity
    line_total: Money
    unit_price: Money | None = None
    """May have more decimals than the currency."""
    discount: Money | None = None
    cost: Money | None = None


Items = Annotated[tuple[Item, ...], Field(max_length=1_000)]


class CustomerPurchased(Event, frozen=True):
    """The customer bought something."""

    type: Literal["crm.customer.purchased.v1"] = "crm.customer.purchased.v1"
    purchase_id: UUID
    order_ref: Reference | None = None
    """Number of the order in the system that it comes from."""
    items: Items = ()
    total: Money
    """What the customer owes for it, tax included where it is known; zero occurs."""
    currency: Currency
    tax: Money | None = None
    coupon: Code | None = None
    store: Code | None = None
    channel: Channel | None = None
    channel_detail: Code | None = None
    """The channel as the source calls it."""
    attributes: Attributes = Field(default_factory=dict)
    parties: Parties = ()


class PurchaseRefunded(Event, frozen=True):
    """Money for a purchase was given back; nothing says that the customer complained."""

    type: Literal["crm.purchase.refunded.v1"] = "crm.purchase.refunded.v1"
    refund_id: UUID
    purchase_id: UUID | None = None
    """The purchase, where it is known."""
    purchase_ref: Reference | None = None
    """Number of the purchase's order, where the source names it."""
    refund_ref: Reference | None = None
    """Number of the refund itself in the system that it comes from."""
    items: Items = ()
    amount: PositiveMoney
    """What was given back; never negative."""
    currency: Currency
    reason: Code | None = None
    attributes: Attributes = Field(default_factory=dict)


class About(Value, frozen=True):
    """What a complaint is about, by id where it is a thing of ours, by code where it is not."""

    kind: Literal["purchase", "product", "person", "service", "other"]
    id: UUID | None = None
    code: Code | None = None


class CustomerComplainedPii(Pii, frozen=True):
    """The complaint in the customer's words."""

    text: Personal[Text] | None = None


class CustomerComplained(Event, frozen=True):
    """The customer said that something is wrong; a case begins."""

    type: Literal["crm.customer.complained.v1"] = "crm.customer.complained.v1"
    case_id: UUID
    case_ref: Reference | None = None
    """Number of the complaint in the system that it comes from."""
    category: Code
    severity: Severity | None = None
    channel: Channel
    channel_detail: Code | None = None
    """The channel as the source calls it."""
    about: About | None = None
    demanded_remedy: Code | None = None
    attributes: Attributes = Field(default_factory=dict)
    parties: Parties = ()
    pii: CustomerComplainedPii | None = None


class CaseClassified(Event, frozen=True):
    """Somebody, or a rule or a model, said what kind of case it is."""

    type: Literal["crm.case.classified.v1"] = "crm.case.classified.v1"
    case_id: UUID
    category: Code
    severity: Severity | None = None
    department: Code | None = None
    author_kind: AuthorKind
    author_version: Version | None = None
    """Version of the rule or the model that decided."""


class CaseAssigned(Event, frozen=True):
    """A case was given to an agent, a department, or both."""

    type: Literal["crm.case.assigned.v1"] = "crm.case.assigned.v1"
    case_id: UUID
    agent_id: Actor | None = None
    department: Code | None = None
    author_kind: AuthorKind
    author_version: Version | None = None


class CaseRespondedPii(Pii, frozen=True):
    """What the customer was told."""

    body: Personal[Text] | None = None


class CaseResponded(Event, frozen=True):
    """The customer got an answer to a complaint."""

    type: Literal["crm.case.responded.v1"] = "crm.case.responded.v1"
    case_id: UUID
    first_response: bool
    """Whether nobody had answered before."""
    channel: Channel | None = None
    agent_id: Actor | None = None
    attributes: Attributes = Field(default_factory=dict)
    pii: CaseRespondedPii | None = None


class CaseResolvedPii(Pii, frozen=True):
    """How it was settled, in words."""

    note: Personal[Text] | None = None


class CaseResolved(Event, frozen=True):
    """A case was settled."""

    type: Literal["crm.case.resolved.v1"] = "crm.case.resolved.v1"
    case_id: UUID
    resolution_code: Code
    agent_id: Actor | None = None
    attributes: Attributes = Field(default_factory=dict)
    pii: CaseResolvedPii | None = None


class CaseReopenedPii(Pii, frozen=True):
    """Why it is open again, in words."""

    text: Personal[Text] | None = None


class CaseReopened(Event, frozen=True):
    """A settled case is open again."""

    type: Literal["crm.case.reopened.v1"] = "crm.case.reopened.v1"
    case_id: UUID
    reason: Code | None = None
    pii: CaseReopenedPii | None = None


class ReferralMade(Event, frozen=True):
    """A customer recommended us to somebody; the subject is the one who did."""

    type: Literal["crm.referral.made.v1"] = "crm.referral.made.v1"
    referral_id: UUID
    referrer_id: CustomerId
    referred_id: CustomerId
    purchase_id: UUID | None = None
    """The purchase that came of it, where it is known."""


InteractionsEvent = Annotated[
    CustomerContacted
    | CustomerPurchased
    | PurchaseRefunded
    | CustomerComplained
    | CaseClassified
    | CaseAssigned
    | CaseResponded
    | CaseResolved
    | CaseReopened
    | ReferralMade
    | ImportStarted
    | ImportCompleted
    | WebhookEvent,
    Field(discriminator="type"),
]
