"""Record that all that is kept about a person was handed over in one file."""

from collections.abc import Sequence
from uuid import UUID

from rapport_contacts.customer import Customer, evolve
from rapport_events.command import Command, CustomerRef, Handler, Occasion, Target
from rapport_events.contracts.privacy import Digest, PrivacyExportDelivered


class DeliverExport(Command):
    """The file about a person was made and handed over; its hash tells later which file that was."""

    customer: CustomerRef
    request_id: UUID
    artefact_hash: Digest


def decide(command: DeliverExport, _customer: Customer, _occasion: Occasion) -> Sequence[PrivacyExportDelivered]:
    """Say which file was handed over."""
    return [PrivacyExportDelivered(request_id=command.request_id, artefact_hash=command.artefact_hash)]


HANDLER = Handler(
    name="deliver_export",
    route="/v1/customers/{customer}/deliver_export",
    command=DeliverExport,
    initial=Customer(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("customer", under=command.customer),
)
