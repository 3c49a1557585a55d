"""What we remember about one customer in order to decide."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, assert_never
from uuid import UUID

from rapport_events.contracts.base import Redacted, Sealed
from rapport_events.contracts.contacts import (
    Address,
    ConsentGranted,
    ConsentWithdrawn,
    ContactsEvent,
    CustomerCreated,
    CustomerIdentityLinked,
    CustomerIdentityUnlinked,
    CustomerMerged,
    CustomerProfileChanged,
    CustomerUnmerged,
    Names,
    Profile,
    TenantConfigured,
)
from rapport_events.contracts.platform import ImportCompleted, ImportStarted, WebhookFact
from rapport_events.contracts.privacy import (
    PrivacyAccessRequested,
    PrivacyErasureCompleted,
    PrivacyErasureRefused,
    PrivacyErasureRequested,
    PrivacyExportDelivered,
)

PROFILE_FIELDS = ("names", "emails", "phones", "addresses")
"""The personal fields of a profile, as events name them."""
ATTRIBUTE = "attributes."
"""What the name of a changed attribute begins with."""

PersonalValue = Names | tuple[str, ...] | tuple[Address, ...] | Sealed | Redacted
Attribute = str | bool | int
Consent = ConsentGranted | ConsentWithdrawn


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer; `kind` is None for somebody of whom we know nothing."""

    kind: Literal["person", "organization"] | None = None
    profile: Mapping[str, PersonalValue] = field(default_factory=dict[str, PersonalValue])
    attributes: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    linked: Mapping[UUID, CustomerIdentityLinked] = field(default_factory=dict[UUID, CustomerIdentityLinked])
    merged: CustomerMerged | None = None
    """The merge that holds: into whom, and with which choices."""
    consents: tuple[Consent, ...] = ()
    """All words on consents as they were recorded; which of them happened last, their times tell."""
    erasure: UUID | None = None
    """The request by which the person is being erased, or was; from then on nothing changes who the person is."""

    def words_on(self, purpose: str, channel: str | None) -> list[Consent]:
        """Return the words on a purpose that concern a channel (None: all channels)."""
        about = [word for word in self.consents if word.purpose == purpose]
        return [word for word in about if channel is None or word.channel in {None, channel}]


def evolve(customer: Customer, event: ContactsEvent) -> Customer:
    """Return the customer as it is after an event."""
    match event:
        case CustomerCreated():
            profile = _personal(event.pii, PROFILE_FIELDS)
            return replace(customer, kind=event.kind, profile=profile, attributes=event.attributes)
        case CustomerProfileChanged():
            return _change(customer, event)
        case CustomerIdentityLinked():
            return replace(customer, linked={**customer.linked, event.linked_id: event})
        case CustomerIdentityUnlinked():
            return replace(customer, linked={k: v for k, v in customer.linked.items() if k != event.linked_id})
        case CustomerMerged() | CustomerUnmerged():
            return replace(customer, merged=event if isinstance(event, CustomerMerged) else None)
        case ConsentGranted() | ConsentWithdrawn():
            return replace(customer, consents=(*customer.consents, event))
        case PrivacyErasureRequested() | PrivacyErasureCompleted():
            return replace(customer, erasure=event.request_id)
        case (
            PrivacyErasureRefused()
            | PrivacyAccessRequested()
            | PrivacyExportDelivered()
            | TenantConfigured()
            | ImportStarted()
            | ImportCompleted()
            | WebhookFact()
        ):
            return customer
        case _:
            assert_never(event)


def _change(customer: Customer, event: CustomerProfileChanged) -> Customer:
    names = [change.field for change in event.changes if change.field in PROFILE_FIELDS]
    profile = {name: value for name, value in customer.profile.items() if name not in names}
    new = event.pii.new if event.pii is not None else None
    profile |= dict.fromkeys(names, new) if isinstance(new, Sealed | Redacted) else _personal(new, names)
    attributes = dict(customer.attributes)
    for change in event.changes:
        if change.field.startswith(ATTRIBUTE):
            name = change.field.removeprefix(ATTRIBUTE)
            attributes.pop(name, None)
            if change.new is not None:
                attributes[name] = change.new
    return replace(customer, profile=profile, attributes=attributes)


def _personal(holder: object, names: tuple[str, ...] | list[str]) -> dict[str, PersonalValue]:
    """Return those of the fields that have a value."""
    values: dict[str, PersonalValue | None] = {name: getattr(holder, name, None) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def to_profile(values: Mapping[str, PersonalValue]) -> Profile | None:
    """Return the plain ones of personal values; None where there are none."""
    plain = {name: value for name, value in values.items() if not isinstance(value, Sealed | Redacted)}
    return Profile.model_validate(plain) if plain else None
