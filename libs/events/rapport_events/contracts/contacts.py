"""What the contacts service publishes: who the parties are, their identities and their consent."""

from typing import Annotated, Literal

from pydantic import Field

from rapport_events.contracts.base import (
    PRINTABLE,
    STORABLE,
    Attributes,
    Channel,
    Code,
    Currency,
    Declared,
    Event,
    Language,
    Moment,
    Personal,
    Pii,
    Reference,
    Share,
    Value,
    Version,
    Zone,
)
from rapport_events.contracts.platform import ImportCompleted, ImportStarted, WebhookEvent
from rapport_events.contracts.privacy import (
    PrivacyAccessRequested,
    PrivacyErasureCompleted,
    PrivacyErasureRefused,
    PrivacyErasureRequested,
    PrivacyExportDelivered,
)
from rapport_events.ids import CustomerId

Line = Annotated[str, Field(min_length=1, max_length=320, pattern=STORABLE)]
"""One line of personal text."""
Lines = Annotated[tuple[Line, ...], Field(max_length=50)]
Emails = Annotated[tuple[Line, ...], Field(max_length=50, examples=[("ann@example.org",)])]
Phones = Annotated[tuple[Line, ...], Field(max_length=50, examples=[("+49 30 901820",)])]

IdentityKind = Literal["external", "email", "phone", "anonymous"]
"""What an outside name is: an id in another system, an e-mail address, a phone number, or a visitor's id."""


class Names(Value, frozen=True):
    """What a person or an organisation is called."""

    display: Line = Field(examples=["Ann Archer"])
    """The whole name as it is shown."""
    given: Line | None = Field(default=None, examples=["Ann"])
    family: Line | None = Field(default=None, examples=["Archer"])


class ExternalId(Value, frozen=True):
    """The number of a customer in another system."""

    system: Line
    value: Line


class Address(Value, frozen=True):
    """A postal address."""

    lines: Lines = Field(default=(), examples=[("1 High Street",)])
    postal_code: Line | None = Field(default=None, examples=["AB1 2CD"])
    city: Line | None = None
    region: Line | None = None
    country: Line | None = None


Addresses = Annotated[tuple[Address, ...], Field(max_length=50)]


class Profile(Value, frozen=True):
    """The plain personal fields of a customer; those that are not meant are left out."""

    names: Names | None = None
    emails: Emails | None = None
    phones: Phones | None = None
    addresses: Addresses | None = None


class CustomerCreatedPii(Pii, frozen=True):
    """Who the new customer is."""

    names: Personal[Names] | None = None
    emails: Personal[Emails] | None = None
    phones: Personal[Phones] | None = None
    addresses: Personal[Addresses] | None = None
    external_ids: Personal[Annotated[tuple[ExternalId, ...], Field(max_length=50)]] | None = None


class CustomerCreated(Event, frozen=True):
    """A person or an organisation became known as a customer."""

    type: Literal["crm.customer.created.v1"] = "crm.customer.created.v1"
    customer_id: CustomerId
    kind: Literal["person", "organization"]
    source: Code
    """Where we learned of the customer: the system of an import, or how it was entered."""
    attributes: Attributes = Field(default_factory=dict)
    pii: CustomerCreatedPii | None = None


class ProfileChange(Value, frozen=True):
    """One field that changed; `old` and `new` are given where the values are codes, and are absent where unset."""

    field: Code = Field(examples=["emails"])
    """`names`, `emails`, `phones`, `addresses`, or `attributes.<name>`."""
    old: Code | bool | int | None = None
    new: Code | bool | int | None = None


class CustomerProfileChangedPii(Pii, frozen=True):
    """The personal fields among the changed ones, before and after; an absent one was, or is, unset."""

    old: Personal[Profile] | None = None
    new: Personal[Profile] | None = None


class CustomerProfileChanged(Event, frozen=True):
    """Plain fields of a customer's profile were changed."""

    type: Literal["crm.customer.profile_changed.v1"] = "crm.customer.profile_changed.v1"
    changes: Annotated[tuple[ProfileChange, ...], Field(min_length=1, max_length=100)]
    reason: Code | None = None
    pii: CustomerProfileChangedPii | None = None


class CustomerIdentityLinkedPii(Pii, frozen=True):
    """The outside name itself."""

    value: Personal[Line] | None = Field(default=None, examples=["ann@example.org"])


class CustomerIdentityLinked(Event, frozen=True):
    """An outside name was found to be this customer's: its id and the customer's are one party from now on."""

    type: Literal["crm.customer.identity_linked.v1"] = "crm.customer.identity_linked.v1"
    linked_id: CustomerId
    """The id that every service computes for that name."""
    kind: IdentityKind
    system: Code | None = None
    """The system that gave the name, for kinds that have one."""
    strength: Literal["strong", "weak"]
    method: Code
    """How it was found, for example `declared`, `import` or the name of a rule."""
    confidence: Share | None = None
    pii: CustomerIdentityLinkedPii | None = None


class CustomerIdentityUnlinked(Event, frozen=True):
    """An outside name turned out not to be this customer's; the two ids are two parties again."""

    type: Literal["crm.customer.identity_unlinked.v1"] = "crm.customer.identity_unlinked.v1"
    linked_id: CustomerId
    kind: IdentityKind
    system: Code | None = None
    reason: Code | None = None


class FieldChoice(Value, frozen=True):
    """Whose value a field shows after a merge; without a choice the survivor's, and of lists those of both."""

    field: Code = Field(examples=["names"])
    """`kind`, `names`, `emails`, `phones`, `addresses`, or `attributes.<name>`."""
    keep: Literal["survivor", "merged", "both"]
    """`both` is for lists."""


class CustomerMerged(Event, frozen=True):
    """
    Two customers were found to be one party, which is known by the survivor's id from now on.

    The subject is the merged customer. No fact is rewritten: what is recorded under either id counts for the party, and
    an un-merge gives each its own back.
    """

    type: Literal["crm.customer.merged.v1"] = "crm.customer.merged.v1"
    customer_id: CustomerId
    survivor_id: CustomerId
    field_choices: Annotated[tuple[FieldChoice, ...], Field(max_length=50)] = ()


class CustomerUnmerged(Event, frozen=True):
    """Two customers turned out not to be one party; each has what was recorded under its own ids again."""

    type: Literal["crm.customer.unmerged.v1"] = "crm.customer.unmerged.v1"
    customer_id: CustomerId
    """The one that had been merged; the subject."""
    survivor_id: CustomerId
    reason: Code | None = None


class ConsentGranted(Event, frozen=True):
    """The customer agreed to be approached for a purpose."""

    type: Literal["crm.consent.granted.v1"] = "crm.consent.granted.v1"
    purpose: Code
    channel: Channel | None = None
    """The channel that it is limited to; absent: all."""
    wording_version: Version
    """Version of the text that the customer agreed to."""
    evidence_ref: Reference | None = None
    valid_until: Moment | None = None


class ConsentWithdrawn(Event, frozen=True):
    """The customer no longer agrees to be approached for a purpose."""

    type: Literal["crm.consent.withdrawn.v1"] = "crm.consent.withdrawn.v1"
    purpose: Code
    channel: Channel | None = None
    """The channel that it is limited to; absent: all."""
    wording_version: Version | None = None
    evidence_ref: Reference | None = None


class TenantConfigured(Event, frozen=True):
    """The settings of a tenant; each such event states all of them. The subject is the tenant."""

    type: Literal["crm.tenant.configured.v1"] = "crm.tenant.configured.v1"
    name: Annotated[
        str,
        Field(min_length=1, max_length=200, pattern=PRINTABLE, examples=["Example Ltd"]),
        Declared("code", "what the operator calls the organisation that uses the suite; not the name of a person"),
    ]
    zone: Zone
    """Where a day and a month begin and end in reports."""
    currency: Currency
    """The currency of reports."""
    languages: Annotated[tuple[Language, ...], Field(max_length=20)] = ()


ContactsEvent = Annotated[
    CustomerCreated
    | CustomerProfileChanged
    | CustomerIdentityLinked
    | CustomerIdentityUnlinked
    | CustomerMerged
    | CustomerUnmerged
    | ConsentGranted
    | ConsentWithdrawn
    | PrivacyAccessRequested
    | PrivacyExportDelivered
    | PrivacyErasureRequested
    | PrivacyErasureCompleted
    | PrivacyErasureRefused
    | TenantConfigured
    | ImportStarted
    | ImportCompleted
    | WebhookEvent,
    Field(discriminator="type"),
]
