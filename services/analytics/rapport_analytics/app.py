"""Analytics as one value: the only file that knows all of its slices."""

from typing import ClassVar

from rapport_analytics.answers import router
from rapport_analytics.commands import define_segment, retire_segment
from rapport_analytics.derivations.segment import SegmentDerivation
from rapport_analytics.derivations.stage import StageDerivation
from rapport_analytics.segment_marks import SEGMENTS
from rapport_analytics.sweeping import sweep
from rapport_analytics.views.complaints import Complaints
from rapport_analytics.views.consents import Consents
from rapport_analytics.views.contacts import Contacts
from rapport_analytics.views.customers import Customers
from rapport_analytics.views.facts import router as facts
from rapport_analytics.views.imports import Imports
from rapport_analytics.views.journey import Journey
from rapport_analytics.views.memberships import Memberships, router as memberships
from rapport_analytics.views.pulse import Pulse
from rapport_analytics.views.sales import Sales
from rapport_analytics.views.segments import Segments, router as segments
from rapport_analytics.views.settings import Settings
from rapport_analytics.views.stages import Stages
from rapport_analytics.views.totals import Totals
from rapport_analytics.views.traits import Traits
from rapport_chassis.service import Service
from rapport_chassis.webhooks import commands as webhooks
from rapport_chassis.webhooks.view import Webhooks
from rapport_events.codec import published_by
from rapport_events.parties import Parties


class PartiesOfAnalytics(Parties):
    """A changed edge between ids decides stages and segments anew."""

    derived: ClassVar = ("journey", SEGMENTS)


service = Service(
    name="analytics",
    package="rapport_analytics",
    publishes=published_by("analytics"),
    handlers=(define_segment.HANDLER, retire_segment.HANDLER, *webhooks.HANDLERS),
    views=(
        PartiesOfAnalytics(),
        Customers(),
        Sales(),
        Totals(),
        Contacts(),
        Complaints(),
        Journey(),
        Stages(),
        Imports(),
        Settings(),
        Pulse(),
        Segments(),
        Memberships(),
        Consents(),
        Traits(),
        Webhooks("analytics"),
    ),
    derivations=(StageDerivation(), SegmentDerivation()),
    routers=(router, facts, segments, memberships),
    chores=(sweep,),
)
