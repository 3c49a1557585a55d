"""Change plain fields of a customer's profile: names, addresses of all kinds, attributes."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

from rapport_contacts.customer import ATTRIBUTE, PROFILE_FIELDS, Customer, PersonalValue, evolve, to_profile
from rapport_contacts.errors import CustomerErased, CustomerNotFound
from rapport_events.command import Command, CustomerRef, Handler, Occasion, Target
from rapport_events.contracts.base import Code, Number
from rapport_events.contracts.contacts import (
    Address,
    CustomerProfileChanged,
    CustomerProfileChangedPii,
    Line,
    Names,
    ProfileChange,
)


class NewProfile(BaseModel):
    """The personal fields that are to change; one that is left out stays, null or an empty list unsets it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: Names | None = None
    emails: tuple[Line, ...] | None = Field(default=None, max_length=50)
    phones: tuple[Line, ...] | None = Field(default=None, max_length=50)
    addresses: tuple[Address, ...] | None = Field(default=None, max_length=50)


class ChangeProfile(Command):
    """Some fields of a customer have other values; what is equal already is no news."""

    customer: CustomerRef
    pii: NewProfile = NewProfile()
    attributes: dict[Code, Code | bool | Number | None] = Field(default={}, max_length=32)
    """Attributes that are to change; null unsets one."""
    reason: Code | None = None


def decide(command: ChangeProfile, customer: Customer, occasion: Occasion) -> Sequence[CustomerProfileChanged]:
    """Say which fields have changed, with the personal values before and after."""
    if customer.kind is None:
        raise CustomerNotFound(customer_id=occasion.subject)
    if customer.erasure is not None:
        raise CustomerErased(customer_id=occasion.subject)
    wished: dict[str, PersonalValue | None] = {
        name: getattr(command.pii, name) or None for name in PROFILE_FIELDS if name in command.pii.model_fields_set
    }
    changed = {name: value for name, value in wished.items() if value != customer.profile.get(name)}
    changes = [ProfileChange(field=name) for name in changed] + _attributes(command.attributes, customer)
    if not changes:
        return []
    old = to_profile({name: customer.profile[name] for name in changed if name in customer.profile})
    new = to_profile({name: value for name, value in changed.items() if value is not None})
    pii = CustomerProfileChangedPii(old=old, new=new) if old or new else None
    return [CustomerProfileChanged(changes=tuple(changes), reason=command.reason, pii=pii)]


def _attributes(wished: Mapping[str, str | bool | int | None], customer: Customer) -> list[ProfileChange]:
    before = customer.attributes
    return [
        ProfileChange(field=f"{ATTRIBUTE}{name}", old=before.get(name), new=value)
        for name, value in wished.items()
        if value != before.get(name)
    ]


HANDLER = Handler(
    name="change_profile",
    route="/v1/customers/{customer}/change_profile",
    command=ChangeProfile,
    initial=Customer(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("customer", under=command.customer),
    opens=True,
)
