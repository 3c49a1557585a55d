"""Recording contacts."""

from rapport_events.command import CustomerRef
from rapport_events.contracts.interactions import CustomerContacted, CustomerContactedPii
from rapport_events.testing import ANN, THING, Deciding
from rapport_interactions.commands.record_contact import HANDLER, RecordContact, Said

contacting = Deciding(HANDLER)
ANN_REF = CustomerRef(id=ANN)


def test_a_contact_is_told_with_what_was_said() -> None:
    contacting.when(
        RecordContact(
            customer=ANN_REF, channel="phone", direction="inbound", outcome="reached", pii=Said(body="Where is it?")
        )
    ).then(
        CustomerContacted(
            interaction_id=THING,
            channel="phone",
            direction="inbound",
            outcome="reached",
            pii=CustomerContactedPii(body="Where is it?"),
        )
    )


def test_a_contact_without_words_has_no_personal_part() -> None:
    contacting.when(RecordContact(customer=ANN_REF, channel="post", direction="outbound", pii=Said())).then(
        CustomerContacted(interaction_id=THING, channel="post", direction="outbound")
    )
