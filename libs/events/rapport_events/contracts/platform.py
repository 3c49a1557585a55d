"""
Facts about the suite's own work that more than one service can publish.

An import is told in the ledger of each service that it writes into, so the source of such an event is that of its
record (`Recorded.source`); it does not follow from the class.
"""

from typing import Literal
from uuid import UUID

from pydantic import Field

from rapport_events.contracts.base import Code, Count, Event, Version


class ImportStarted(Event, frozen=True):
    """A file began to be read into this service; the subject is the import."""

    type: Literal["crm.import.started.v1"] = "crm.import.started.v1"
    import_id: UUID
    mapping: Code
    """Name of the mapping that says what the rows mean."""
    mapping_version: Version
    system: Code
    """The system that the file comes from; outside ids in it belong to this system."""


class ImportCompleted(Event, frozen=True):
    """
    A file was read to its end; every row is counted in one way.

    `rows` = `rows_used` + the sum of `skipped` + the sum of `rejected`. What an import of several services leaves out
    is the same in each of their ledgers, so it is to be taken from one of them, never added up.
    """

    type: Literal["crm.import.completed.v1"] = "crm.import.completed.v1"
    import_id: UUID
    mapping: Code
    mapping_version: Version
    system: Code
    rows: Count
    """Rows in the file."""
    rows_used: Count
    """Rows that became part of at least one fact."""
    skipped: dict[Code, Count] = Field(default_factory=dict, max_length=100, examples=[{"no_customer": 2}])
    """Rows left out by a rule of the mapping, by reason."""
    rejected: dict[Code, Count] = Field(default_factory=dict, max_length=100, examples=[{"bad_amount": 1}])
    """Rows that could not be used, by reason; they stand in the error file."""
    recorded: dict[Code, Count] = Field(
        default_factory=dict, max_length=100, examples=[{"crm.customer.purchased.v1": 4}]
    )
    """Facts that this service learned from the file, by event type."""
    repeated: Count = 0
    """Facts of the file that this service knew already."""
