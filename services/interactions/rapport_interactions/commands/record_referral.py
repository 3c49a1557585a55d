"""Record that a customer recommended us to somebody."""

from collections.abc import Sequence
from uuid import UUID

from rapport_events.command import Command, CustomerRef, ExternalRef, Handler, Occasion, Target
from rapport_events.contracts.interactions import ReferralMade
from rapport_events.ids import CustomerId
from rapport_interactions.errors import CannotReferOneself
from rapport_interactions.passing import Passing, evolve


class RecordReferral(Command):
    """A customer recommended us; the same external id is one referral."""

    customer: CustomerRef
    """Who recommended us."""
    referred: CustomerRef
    """To whom."""
    external: ExternalRef | None = None
    purchase_id: UUID | None = None
    """The purchase that came of it, where it is known."""


def decide(command: RecordReferral, _referral: Passing, occasion: Occasion) -> Sequence[ReferralMade]:
    """Say who recommended us to whom."""
    referrer, referred = UUID(occasion.subject), occasion.customer(command.referred)
    if referrer == referred:
        raise CannotReferOneself(customer_id=referrer)
    return [
        ReferralMade(
            referral_id=occasion.id,
            referrer_id=CustomerId(referrer),
            referred_id=CustomerId(referred),
            purchase_id=command.purchase_id,
        )
    ]


HANDLER = Handler(
    name="record_referral",
    route="/v1/referrals",
    command=RecordReferral,
    initial=Passing(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("referral", under=command.customer),
    external=lambda command: command.external,
    mentions=lambda command: (command.referred,),
)
