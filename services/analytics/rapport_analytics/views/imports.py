"""Imports: what each file brought, and what it had to leave out and why."""

from typing import ClassVar
from uuid import UUID

import msgspec
import orjson

from rapport_events.contracts.platform import ImportCompleted
from rapport_events.rows import Row, Rows
from rapport_events.view import Fact


class Completed(msgspec.Struct):
    """What reports need of a completed import."""

    import_id: UUID
    mapping: str
    mapping_version: str
    rows: int
    rows_used: int
    skipped: dict[str, int] = {}
    rejected: dict[str, int] = {}
    recorded: dict[str, int] = {}


class Imports(Rows):
    """One row for each file and each service that it wrote into."""

    name = "imports"
    package = "rapport_analytics"
    statement = "add_imports"
    reads: ClassVar = {ImportCompleted: Completed}

    def row(self, fact: Fact) -> Row:
        """Take the counts."""
        event = fact.event
        told = (event.import_id, fact.source, event.mapping, str(event.mapping_version), event.rows, event.rows_used)
        counts = [orjson.dumps(part).decode() for part in (event.skipped, event.rejected, event.recorded)]
        return (fact.tenant, *told, *counts, fact.occurred_at)
