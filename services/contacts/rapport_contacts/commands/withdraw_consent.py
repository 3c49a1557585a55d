"""Record that a customer no longer agrees to be approached for a purpose."""

from collections.abc import Sequence

from rapport_contacts.customer import Customer, evolve
from rapport_contacts.errors import CustomerNotFound
from rapport_events.command import Command, CustomerRef, Handler, Occasion, Target
from rapport_events.contracts.base import Channel, Code, Reference, Version
from rapport_events.contracts.contacts import ConsentGranted, ConsentWithdrawn


class WithdrawConsent(Command):
    """
    The customer no longer agrees; that holds even if no consent was ever recorded here.

    Where one was, every withdrawal is recorded: which of the words happened last, only their times tell.
    """

    customer: CustomerRef
    purpose: Code
    channel: Channel | None = None
    """The channel that it is limited to; absent: all."""
    wording_version: Version | None = None
    evidence_ref: Reference | None = None


def decide(command: WithdrawConsent, customer: Customer, occasion: Occasion) -> Sequence[ConsentWithdrawn]:
    """Say that the customer withdrew."""
    if customer.kind is None:
        raise CustomerNotFound(customer_id=occasion.subject)
    words = customer.words_on(command.purpose, command.channel)
    is_covered = any(word.channel in {None, command.channel} for word in words)
    if is_covered and not any(isinstance(word, ConsentGranted) for word in words):
        return []
    return [
        ConsentWithdrawn(
            purpose=command.purpose,
            channel=command.channel,
            wording_version=command.wording_version,
            evidence_ref=command.evidence_ref,
        )
    ]


HANDLER = Handler(
    name="withdraw_consent",
    route="/v1/customers/{customer}/withdraw_consent",
    command=WithdrawConsent,
    initial=Customer(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("customer", under=command.customer),
)
