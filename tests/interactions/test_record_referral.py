"""Recording referrals."""

from rapport_events.command import CustomerRef
from rapport_events.contracts.interactions import ReferralMade
from rapport_events.ids import CustomerId
from rapport_events.testing import ANN, BOB, THING, Deciding
from rapport_interactions.commands.record_referral import HANDLER, RecordReferral
from rapport_interactions.errors import CannotReferOneself

referring = Deciding(HANDLER)


def test_a_referral_names_both_customers() -> None:
    referring.when(RecordReferral(customer=CustomerRef(id=ANN), referred=CustomerRef(id=BOB))).then(
        ReferralMade(referral_id=THING, referrer_id=CustomerId(ANN), referred_id=CustomerId(BOB))
    )


def test_nobody_refers_oneself() -> None:
    wish = RecordReferral(customer=CustomerRef(id=ANN), referred=CustomerRef(id=ANN))

    referring.when(wish).then_refuses(CannotReferOneself)
