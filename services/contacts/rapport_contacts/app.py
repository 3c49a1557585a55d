"""The contacts service, put together: the only file that knows every slice."""

from rapport_chassis.service import Service
from rapport_chassis.webhooks import commands as webhooks
from rapport_chassis.webhooks.view import Webhooks
from rapport_contacts.commands import (
    change_profile,
    complete_import,
    configure_tenant,
    create_customer,
    deliver_export,
    erase_customer,
    grant_consent,
    link_identity,
    merge_customers,
    refuse_erasure,
    request_access,
    start_import,
    unlink_identity,
    unmerge_customer,
    withdraw_consent,
)
from rapport_contacts.erasing import erase
from rapport_contacts.views import (
    card,
    consents,
    customers,
    directory,
    fields,
    history,
    merge_preview,
    merges,
    naming,
    privacy,
)
from rapport_events.codec import published_by
from rapport_events.parties import Parties

service = Service(
    name="contacts",
    package="rapport_contacts",
    publishes=published_by("contacts"),
    handlers=(
        create_customer.HANDLER,
        change_profile.HANDLER,
        link_identity.HANDLER,
        unlink_identity.HANDLER,
        merge_customers.HANDLER,
        unmerge_customer.HANDLER,
        grant_consent.HANDLER,
        withdraw_consent.HANDLER,
        request_access.HANDLER,
        deliver_export.HANDLER,
        erase_customer.HANDLER,
        refuse_erasure.HANDLER,
        configure_tenant.HANDLER,
        start_import.HANDLER,
        complete_import.HANDLER,
        *webhooks.HANDLERS,
    ),
    views=(
        directory.Directory(),
        card.Card(),
        consents.Consents(),
        merges.Merges(),
        history.History(),
        privacy.Privacy(),
        Parties(),
        Webhooks("contacts"),
    ),
    routers=(
        customers.router,
        card.router,
        fields.router,
        consents.router,
        merge_preview.router,
        privacy.router,
        naming.router,
    ),
    chores=(erase,),
)
