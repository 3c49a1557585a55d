"""Every word that was said about a consent, one row each; `permission` says which of them decides."""

from datetime import datetime
from typing import ClassVar

import msgspec

from rapport_events.contracts.contacts import ConsentGranted, ConsentWithdrawn
from rapport_events.rows import Row, Rows
from rapport_events.view import Fact


class Granted(msgspec.Struct):
    """A consent is given."""

    purpose: str
    wording_version: str
    channel: str | None = None
    evidence_ref: str | None = None
    valid_until: datetime | None = None


class Withdrawn(msgspec.Struct):
    """A consent is taken back."""

    purpose: str
    channel: str | None = None
    wording_version: str | None = None
    evidence_ref: str | None = None


class ConsentWords(Rows):
    """One row for each word, in whichever service keeps them."""

    name = "consents"
    reads: ClassVar = {ConsentGranted: Granted, ConsentWithdrawn: Withdrawn}

    def row(self, fact: Fact) -> Row:
        """Take all that was said, and its place in the suite's order."""
        event: Granted | Withdrawn = fact.event
        until = event.valid_until if isinstance(event, Granted) else None
        said = (event.purpose, event.channel, isinstance(event, Granted), event.wording_version, event.evidence_ref)
        place = (fact.occurred_at, fact.recorded_at, fact.partition, fact.position)
        return (fact.tenant, fact.subject, fact.event_id, *said, until, *place)
