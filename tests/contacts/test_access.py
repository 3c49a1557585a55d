"""That a person asked what is kept, and was told, is on record."""

from rapport_contacts.commands import deliver_export, request_access
from rapport_contacts.commands.deliver_export import DeliverExport
from rapport_contacts.commands.request_access import RequestAccess
from rapport_events.command import CustomerRef
from rapport_events.contracts.privacy import PrivacyAccessRequested, PrivacyExportDelivered
from rapport_events.testing import ANN, NOON, THING, Deciding
from tests.contacts.wishes import create
from tests.slices import Slices

HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def test_it_was_asked_for() -> None:
    wish = RequestAccess(customer=CustomerRef(id=ANN), request_id=THING, due_at=NOON)

    asked = PrivacyAccessRequested(request_id=THING, due_at=NOON)
    Deciding(request_access.HANDLER).when(wish).then(asked)


def test_it_was_handed_over() -> None:
    wish = DeliverExport(customer=CustomerRef(id=ANN), request_id=THING, artefact_hash=HASH)

    delivered = PrivacyExportDelivered(request_id=THING, artefact_hash=HASH)
    Deciding(deliver_export.HANDLER).when(wish).then(delivered)


async def test_the_request_is_done_when_the_file_was_handed_over(contacts: Slices) -> None:
    ann = await create(contacts, "1")

    await contacts.wish(f"/v1/customers/{ann}/request_access", {"request_id": str(THING)})
    (asked,) = (await contacts.ask(f"/v1/customers/{ann}/privacy"))["requests"]
    told = {"request_id": str(THING), "artefact_hash": HASH}
    await contacts.wish(f"/v1/customers/{ann}/deliver_export", told)
    (done,) = (await contacts.ask(f"/v1/customers/{ann}/privacy"))["requests"]

    assert (asked["kind"], asked["state"]) == ("access", "open")
    assert (done["state"], done["artefact_hash"]) == ("done", HASH)


async def test_what_was_asked_for_and_is_refused_says_which_law_demands_it(contacts: Slices) -> None:
    ann = await create(contacts, "1")

    await contacts.wish(f"/v1/customers/{ann}/request_access", {"request_id": str(THING)})
    assert (await contacts.ask(f"/v1/customers/{ann}/privacy"))["requests"][0]["state"] == "open"
    told = {"request_id": str(THING), "legal_basis": "gdpr_17_3_e"}
    await contacts.wish(f"/v1/customers/{ann}/refuse_erasure", told)
    (refused,) = (await contacts.ask(f"/v1/customers/{ann}/privacy"))["requests"]

    assert (refused["state"], refused["legal_basis"]) == ("refused", "gdpr_17_3_e")
