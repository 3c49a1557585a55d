"""The interactions service, put together: the only file that knows every slice."""

from rapport_chassis.service import Service
from rapport_chassis.webhooks import commands as webhooks
from rapport_chassis.webhooks.view import Webhooks
from rapport_events.codec import published_by
from rapport_events.parties import Parties
from rapport_interactions.commands import (
    assign_case,
    classify_case,
    complete_import,
    file_complaint,
    record_contact,
    record_purchase,
    record_referral,
    refund_purchase,
    reopen_case,
    resolve_case,
    respond_case,
    start_import,
)
from rapport_interactions.views import case, timeline

service = Service(
    name="interactions",
    package="rapport_interactions",
    publishes=published_by("interactions"),
    handlers=(
        record_contact.HANDLER,
        record_purchase.HANDLER,
        refund_purchase.HANDLER,
        file_complaint.HANDLER,
        classify_case.HANDLER,
        assign_case.HANDLER,
        respond_case.HANDLER,
        resolve_case.HANDLER,
        reopen_case.HANDLER,
        record_referral.HANDLER,
        start_import.HANDLER,
        complete_import.HANDLER,
        *webhooks.HANDLERS,
    ),
    views=(timeline.Timeline(), case.Case(), Parties(), Webhooks("interactions")),
    routers=(timeline.router, case.router),
)
