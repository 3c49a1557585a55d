"""What contacts publishes about a person's own rights: to be told what is kept, and to be forgotten."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from rapport_events.contracts.base import Code, Count, Declared, Event, Moment, Value
from rapport_events.ids import CustomerId

KeyId = Annotated[
    str,
    Field(pattern=r"^[\w-]{22}$", examples=["q83vEjRWeJq83vEjRWeJqw"]),
    Declared("id", "the random number of a key; it stands in every value that was sealed with it"),
]
Digest = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{64}$", examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]),
    Declared("number", "a SHA-256 of something that is kept elsewhere"),
]
Ids = Annotated[tuple[CustomerId, ...], Field(min_length=1, max_length=1_000)]


class PrivacyAccessRequested(Event, frozen=True):
    """A person asked to be told what is kept about them."""

    type: Literal["crm.privacy.access_requested.v1"] = "crm.privacy.access_requested.v1"
    request_id: UUID
    due_at: Moment | None = None
    """By when the answer is due."""


class PrivacyExportDelivered(Event, frozen=True):
    """All that is kept about a person was put into one file and handed over."""

    type: Literal["crm.privacy.export_delivered.v1"] = "crm.privacy.export_delivered.v1"
    request_id: UUID
    artefact_hash: Digest
    """SHA-256 of the file."""


class PrivacyErasureRequested(Event, frozen=True):
    """A person is to be forgotten: from now on no link and no merge changes who the person is."""

    type: Literal["crm.privacy.erasure_requested.v1"] = "crm.privacy.erasure_requested.v1"
    request_id: UUID
    customer_ids: Ids
    """All ids that are this person; each has this event in its own stream."""
    reason: Code | None = None


class Held(Value, frozen=True):
    """What the ledger of contacts holds about a person."""

    events: Count
    values: Count
    """Personal values that can be opened."""


class PrivacyErasureCompleted(Event, frozen=True):
    """
    A person was forgotten: the keys are destroyed, and nobody can hold one any more.

    Whoever keeps personal values of these ids in clear deletes them now. Facts and figures stay.
    """

    type: Literal["crm.privacy.erasure_completed.v1"] = "crm.privacy.erasure_completed.v1"
    request_id: UUID
    customer_ids: Ids
    erased_at: Moment
    """When the last key was destroyed; what happens later belongs to a new customer."""
    key_ids: Annotated[tuple[KeyId, ...], Field(max_length=1_000)] = ()
    """The keys that were destroyed; an id about which nothing personal was known had none."""
    before: Held
    after: Held
    certificate_hash: Digest
    """SHA-256 of the other members and the tenant as JSON, names in alphabetical order, without spaces."""


class PrivacyErasureRefused(Event, frozen=True):
    """A person asked to be forgotten, and may not be: the law wants something kept."""

    type: Literal["crm.privacy.erasure_refused.v1"] = "crm.privacy.erasure_refused.v1"
    request_id: UUID
    legal_basis: Code = Field(examples=["gdpr_17_3_e"])
    """Which law, in the terms of a list that the tenant keeps."""
