"""Changing plain fields of a profile."""

from rapport_contacts.commands.change_profile import HANDLER, ChangeProfile, NewProfile
from rapport_contacts.errors import CustomerNotFound
from rapport_events.command import CustomerRef
from rapport_events.contracts.base import REDACTED
from rapport_events.contracts.contacts import (
    CustomerProfileChanged,
    CustomerProfileChangedPii,
    Names,
    Profile,
    ProfileChange,
)
from rapport_events.testing import ANN, Deciding
from tests.contacts.facts import ANN_CREATED

changing = Deciding(HANDLER)
OLD, NEW = Names(display="Ann Young"), Names(display="Ann Old")


def change(pii: NewProfile | None = None, **attributes: str | None) -> ChangeProfile:
    return ChangeProfile(customer=CustomerRef(id=ANN), pii=pii or NewProfile(), attributes=dict(attributes))


def test_a_changed_name_is_told_with_the_former_one() -> None:
    changing.given(ANN_CREATED).when(change(NewProfile(names=NEW))).then(
        CustomerProfileChanged(
            changes=(ProfileChange(field="names"),),
            pii=CustomerProfileChangedPii(old=Profile(names=OLD), new=Profile(names=NEW)),
        )
    )


def test_an_unset_field_has_no_new_value() -> None:
    changing.given(ANN_CREATED).when(change(NewProfile(emails=()))).then(
        CustomerProfileChanged(
            changes=(ProfileChange(field="emails"),),
            pii=CustomerProfileChangedPii(old=Profile(emails=("ann@example.org",))),
        )
    )


def test_attributes_are_told_in_clear() -> None:
    changing.given(ANN_CREATED).when(change(job="chief", team="north")).then(
        CustomerProfileChanged(
            changes=(
                ProfileChange(field="attributes.job", old="clerk", new="chief"),
                ProfileChange(field="attributes.team", new="north"),
            )
        )
    )


def test_what_is_equal_already_is_no_news() -> None:
    wish = change(NewProfile(names=OLD, phones=None), job="clerk", team=None)

    changing.given(ANN_CREATED).when(wish).then_nothing()


def test_a_change_is_remembered_field_by_field() -> None:
    renamed = CustomerProfileChanged(
        changes=(ProfileChange(field="names"), ProfileChange(field="emails"), ProfileChange(field="attributes.job")),
        pii=CustomerProfileChangedPii(new=Profile(names=NEW)),
    )

    changing.given(ANN_CREATED, renamed).when(change(NewProfile(names=NEW, emails=()), job=None)).then_nothing()


def test_an_erased_former_value_is_left_out() -> None:
    assert ANN_CREATED.pii is not None
    erased = ANN_CREATED.model_copy(update={"pii": ANN_CREATED.pii.model_copy(update={"names": REDACTED})})

    changing.given(erased).when(change(NewProfile(names=NEW))).then(
        CustomerProfileChanged(
            changes=(ProfileChange(field="names"),), pii=CustomerProfileChangedPii(new=Profile(names=NEW))
        )
    )


def test_nobody_unknown_can_be_changed() -> None:
    refusal = changing.when(change(job="chief")).then_refuses(CustomerNotFound)

    assert refusal.facts == {"customer_id": str(ANN)}
