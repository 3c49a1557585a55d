"""Imports as every service that can be imported into tells them: when a file began, and how its rows were counted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from pydantic import Field

from rapport_events.command import Command, Occasion, Target
from rapport_events.contracts.base import Code, Count, Version
from rapport_events.contracts.platform import ImportCompleted, ImportStarted


@dataclass(frozen=True, slots=True)
class Import:
    """What we remember about one import in order to decide."""

    is_started: bool = False
    completed: ImportCompleted | None = None


def evolve(run: Import, event: ImportStarted | ImportCompleted) -> Import:
    """Return the import as it is after an event."""
    match event:
        case ImportStarted():
            return replace(run, is_started=True)
        case ImportCompleted():
            return replace(run, completed=event)


class StartImport(Command):
    """A file begins to be read into this service."""

    import_id: UUID
    """Made by the caller, the same for the same file; its last byte is a partition (0 to 31)."""
    mapping: Code
    mapping_version: Version
    system: Code


class CompleteImport(Command):
    """A file was read to its end; every row is counted in one way."""

    import_id: UUID
    mapping: Code
    mapping_version: Version
    system: Code
    rows: Count
    rows_used: Count
    skipped: dict[Code, Count] = Field(default_factory=dict[str, int], max_length=100)
    rejected: dict[Code, Count] = Field(default_factory=dict[str, int], max_length=100)
    recorded: dict[Code, Count] = Field(default_factory=dict[str, int], max_length=100)
    repeated: Count = 0


def begun(command: StartImport) -> Target:
    """Return the stream of an import, which may begin now."""
    return Target("import", id=command.import_id, begins=True)


def existing(command: CompleteImport) -> Target:
    """Return the stream of an import that has begun."""
    return Target("import", id=command.import_id)


def start(command: StartImport, run: Import, occasion: Occasion) -> Sequence[ImportStarted]:
    """Say that the import begins; going on with one is no news."""
    if run.is_started:
        return []
    return [
        ImportStarted(
            import_id=occasion.id,
            mapping=command.mapping,
            mapping_version=command.mapping_version,
            system=command.system,
        )
    ]


def complete(command: CompleteImport, run: Import, _occasion: Occasion) -> Sequence[ImportCompleted]:
    """Say how the rows were counted; the same count again is no news, another one replaces it for all readers."""
    counted: dict[str, Any] = command.model_dump(exclude={"at"})
    completed = ImportCompleted(**counted)
    return [] if completed == run.completed else [completed]
