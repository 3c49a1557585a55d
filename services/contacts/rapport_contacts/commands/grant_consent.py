"""Record that a customer agreed to be approached for a purpose."""

from collections.abc import Sequence

from rapport_contacts.customer import Customer, evolve
from rapport_contacts.errors import CustomerNotFound
from rapport_events.command import Command, CustomerRef, Handler, Occasion, Target
from rapport_events.contracts.base import Channel, Code, Moment, Reference, Version
from rapport_events.contracts.contacts import ConsentGranted, ConsentWithdrawn


class GrantConsent(Command):
    """
    The customer agrees; the same consent, given already, is no news.

    Where it was ever withdrawn it is recorded again: which of the words happened last, only their times tell.
    """

    customer: CustomerRef
    purpose: Code
    channel: Channel | None = None
    """The channel that it is limited to; absent: all."""
    wording_version: Version
    evidence_ref: Reference | None = None
    valid_until: Moment | None = None


def decide(command: GrantConsent, customer: Customer, occasion: Occasion) -> Sequence[ConsentGranted]:
    """Say that the customer agreed."""
    if customer.kind is None:
        raise CustomerNotFound(customer_id=occasion.subject)
    granted = ConsentGranted(
        purpose=command.purpose,
        channel=command.channel,
        wording_version=command.wording_version,
        evidence_ref=command.evidence_ref,
        valid_until=command.valid_until,
    )
    words = customer.words_on(command.purpose, command.channel)
    is_known = granted in words[-1:] and not any(isinstance(word, ConsentWithdrawn) for word in words)
    return [] if is_known else [granted]


HANDLER = Handler(
    name="grant_consent",
    route="/v1/customers/{customer}/grant_consent",
    command=GrantConsent,
    initial=Customer(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("customer", under=command.customer),
)
