"""Granting and withdrawing consent."""

from rapport_contacts.commands import grant_consent, withdraw_consent
from rapport_contacts.commands.grant_consent import GrantConsent
from rapport_contacts.commands.withdraw_consent import WithdrawConsent
from rapport_contacts.errors import CustomerNotFound
from rapport_events.command import CustomerRef
from rapport_events.contracts.contacts import ConsentGranted, ConsentWithdrawn
from rapport_events.testing import ANN, Deciding
from tests.contacts.facts import ANN_CREATED

granting, withdrawing = Deciding(grant_consent.HANDLER), Deciding(withdraw_consent.HANDLER)
ANN_ID = CustomerRef(id=ANN)
GRANT = GrantConsent(customer=ANN_ID, purpose="news", channel="email", wording_version="1")
GRANTED = ConsentGranted(purpose="news", channel="email", wording_version="1")
WITHDRAWN = ConsentWithdrawn(purpose="news", channel="email")
WITHDRAWN_FROM_ALL = ConsentWithdrawn(purpose="news")


def test_a_consent_is_told_with_the_wording_that_was_agreed_to() -> None:
    granting.given(ANN_CREATED).when(GRANT).then(GRANTED)


def test_the_same_consent_again_is_no_news_but_another_wording_is() -> None:
    granting.given(ANN_CREATED, GRANTED).when(GRANT).then_nothing()
    granting.given(ANN_CREATED, GRANTED).when(GRANT.model_copy(update={"wording_version": "2"})).then(
        GRANTED.model_copy(update={"wording_version": "2"})
    )


def test_a_withdrawal_counts_even_if_no_consent_was_ever_given() -> None:
    withdrawing.given(ANN_CREATED).when(WithdrawConsent(customer=ANN_ID, purpose="news")).then(WITHDRAWN_FROM_ALL)


def test_a_withdrawal_for_all_channels_covers_each() -> None:
    wish = WithdrawConsent(customer=ANN_ID, purpose="news", channel="email")

    withdrawing.given(ANN_CREATED, WITHDRAWN_FROM_ALL).when(wish).then_nothing()
    withdrawing.given(ANN_CREATED, WITHDRAWN).when(wish).then_nothing()
    withdrawing.given(ANN_CREATED, WITHDRAWN).when(WithdrawConsent(customer=ANN_ID, purpose="news")).then(
        WITHDRAWN_FROM_ALL
    )


def test_once_both_was_said_every_word_is_recorded_because_any_may_have_happened_last() -> None:
    wish = WithdrawConsent(customer=ANN_ID, purpose="news", channel="email")

    withdrawing.given(ANN_CREATED, GRANTED, WITHDRAWN).when(wish).then(WITHDRAWN)
    granting.given(ANN_CREATED, GRANTED, WITHDRAWN_FROM_ALL).when(GRANT).then(GRANTED)
    granting.given(ANN_CREATED, WITHDRAWN, GRANTED).when(GRANT).then(GRANTED)


def test_nobody_unknown_can_consent_or_withdraw() -> None:
    granting.when(GRANT).then_refuses(CustomerNotFound)
    withdrawing.when(WithdrawConsent(customer=ANN_ID, purpose="news")).then_refuses(CustomerNotFound)
