"""
Facts about the suite's own work that more than one service can publish.

An import is told in the ledger of each service that it writes into, and a webhook in that of the service whose events
it gets; so the source of such an event is that of its record (`Recorded.source`), it does not follow from the class.
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from rapport_events.contracts.base import Code, Count, Declared, Event, Moment, Version

WebAddress = Annotated[
    str,
    Field(pattern=r"^https?://[!-~]{1,1000}$", examples=["https://example.org/rapport"]),
    Declared("id", "where a machine of the tenant listens; without user, query and fragment, so it names no person"),
]
TypePattern = Annotated[
    str,
    Field(pattern=r"^([a-z0-9_.]{1,120}\*?|\*)$", examples=["crm.customer.*"]),
    Declared("code", "a type of events, or the beginning of types with a star behind it"),
]


class ImportStarted(Event, frozen=True):
    """A file began to be read into this service; the subject is the import."""

    type: Literal["crm.import.started.v1"] = "crm.import.started.v1"
    import_id: UUID
    mapping: Code
    """Name of the mapping that says what the rows mean."""
    mapping_version: Version
    system: Code
    """The system that the file comes from; outside ids in it belong to this system."""


class ImportCompleted(Event, frozen=True):
    """
    A file was read to its end; every row is counted in one way.

    `rows` = `rows_used` + the sum of `skipped` + the sum of `rejected`. What an import of several services leaves out
    is the same in each of their ledgers, so it is to be taken from one of them, never added up.
    """

    type: Literal["crm.import.completed.v1"] = "crm.import.completed.v1"
    import_id: UUID
    mapping: Code
    mapping_version: Version
    system: Code
    rows: Count
    """Rows in the file."""
    rows_used: Count
    """Rows that became part of at least one fact."""
    skipped: dict[Code, Count] = Field(default_factory=dict, max_length=100, examples=[{"no_customer": 2}])
    """Rows left out by a rule of the mapping, by reason."""
    rejected: dict[Code, Count] = Field(default_factory=dict, max_length=100, examples=[{"bad_amount": 1}])
    """Rows that could not be used, by reason; they stand in the error file."""
    recorded: dict[Code, Count] = Field(
        default_factory=dict, max_length=100, examples=[{"crm.customer.purchased.v1": 4}]
    )
    """Facts that this service learned from the file, by event type."""
    repeated: Count = 0
    """Facts of the file that this service knew already."""


class WebhookFact(Event, frozen=True):
    """What happened to a webhook; the subject is the webhook."""

    webhook_id: UUID


class WebhookRegistered(WebhookFact, frozen=True):
    """
    Events of this service are delivered to an address from now on, in order for each customer.

    The secret that deliveries are signed with is in no event: it is worked out from the tenant's key and its version.
    """

    type: Literal["crm.webhook.registered.v1"] = "crm.webhook.registered.v1"
    address: WebAddress
    types: Annotated[tuple[TypePattern, ...], Field(min_length=1, max_length=50)]
    is_open: bool
    """Whether personal values are opened at delivery."""
    since: Moment | None = None
    """Delivery begins with what was recorded at this moment; absent: with what is recorded from now on."""


class WebhookSecretRotated(WebhookFact, frozen=True):
    """A webhook has a new secret; until the former one ends, deliveries carry a signature of each."""

    type: Literal["crm.webhook.secret_rotated.v1"] = "crm.webhook.secret_rotated.v1"
    secret_version: Annotated[int, Field(ge=2, le=1_000_000)]
    former_until: Moment


class WebhookDisabled(WebhookFact, frozen=True):
    """Nothing is delivered any more until the webhook is enabled; what happens meanwhile waits."""

    type: Literal["crm.webhook.disabled.v1"] = "crm.webhook.disabled.v1"
    reason: Literal["asked", "exhausted", "gone"]
    """Somebody asked for it, the last attempt of a delivery failed, or the receiver said that it is gone for good."""


class WebhookEnabled(WebhookFact, frozen=True):
    """Delivery goes on where it stopped, with what failed first."""

    type: Literal["crm.webhook.enabled.v1"] = "crm.webhook.enabled.v1"


class WebhookRewound(WebhookFact, frozen=True):
    """All that was recorded since a moment is delivered again, under the ids of the first time."""

    type: Literal["crm.webhook.rewound.v1"] = "crm.webhook.rewound.v1"
    since: Moment


class WebhookRemoved(WebhookFact, frozen=True):
    """The webhook is gone for good."""

    type: Literal["crm.webhook.removed.v1"] = "crm.webhook.removed.v1"


WebhookEvent = (
    WebhookRegistered | WebhookSecretRotated | WebhookDisabled | WebhookEnabled | WebhookRewound | WebhookRemoved
)
