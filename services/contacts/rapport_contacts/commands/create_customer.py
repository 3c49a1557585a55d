"""Create a customer, under an id of its own or under the name that another system gave it."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rapport_contacts.customer import Customer, evolve
from rapport_events.command import Command, CustomerRef, Handler, Occasion, Target
from rapport_events.contracts.base import Attributes, Code
from rapport_events.contracts.contacts import Address, CustomerCreated, CustomerCreatedPii, ExternalId, Line, Names
from rapport_events.ids import CustomerId


class Person(BaseModel):
    """Who the customer is; every part is sealed with the customer's own key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Line | None = None
    """The whole name as it is shown."""
    given: Line | None = None
    family: Line | None = None
    emails: tuple[Line, ...] = Field(default=(), max_length=50)
    phones: tuple[Line, ...] = Field(default=(), max_length=50)
    addresses: tuple[Address, ...] = Field(default=(), max_length=50)

    @property
    def names(self) -> Names | None:
        """The name as events carry it; made of its parts where only these are given."""
        display = self.name or " ".join(part for part in (self.given, self.family) if part)
        return Names(display=display, given=self.given, family=self.family) if display else None


class CreateCustomer(Command):
    """A person or an organisation becomes known; one that is known already is no news."""

    customer: CustomerRef
    kind: Literal["person", "organization"] = "person"
    source: Code
    attributes: Attributes = Field(default_factory=dict)
    pii: Person | None = None


def decide(command: CreateCustomer, customer: Customer, occasion: Occasion) -> Sequence[CustomerCreated]:
    """Say that the customer is known from now on."""
    if customer.kind is not None:
        return []
    return [
        CustomerCreated(
            customer_id=CustomerId(occasion.id),
            kind=command.kind,
            source=command.source,
            attributes=command.attributes,
            pii=_personal(command.pii or Person(), command.customer),
        )
    ]


def _personal(person: Person, name: CustomerRef) -> CustomerCreatedPii | None:
    """Collect the personal values; the outside name of a customer is often an e-mail address, so it is one of them."""
    emails = person.emails
    if name.email is not None and name.email.strip().lower() not in {email.strip().lower() for email in emails}:
        emails = (name.email.strip(), *emails)
    given = (
        (ExternalId(system=name.system, value=name.external_id),)
        if name.system is not None and name.external_id is not None
        else None
    )
    pii = CustomerCreatedPii(
        names=person.names,
        emails=emails or None,
        phones=person.phones or None,
        addresses=person.addresses or None,
        external_ids=given,
    )
    return pii if pii != CustomerCreatedPii() else None


HANDLER = Handler(
    name="create_customer",
    route="/v1/customers",
    command=CreateCustomer,
    initial=Customer(),
    evolve=evolve,
    decide=decide,
    # The id of a customer with an outside name is computed from it, so the stream is all that has to be unique.
    target=lambda command: Target("customer", under=command.customer, begins=True),
)
