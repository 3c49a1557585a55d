"""
Write the golden files: for each event its example and its schema, as they are published.

`python -m tests.contracts.regenerate` writes the file of each event's current version. Files of former versions stay
for ever: the tests read them as old events. A published event is never edited: a new optional field raises the
class's `schema_version`, and so makes a new file beside the old.
"""

from pathlib import Path

import orjson

from rapport_events.codec import EVENTS, schema_of, source_of, type_of
from rapport_events.contracts.base import Event
from rapport_events.contracts.examples import example_of
from rapport_events.contracts.schemas import json_schema_of

FOLDER = Path(__file__).parent / "golden"


def path_of(event: type[Event]) -> Path:
    """Return the file of an event's current version, for example `crm.customer.created.v1.0.json`."""
    return FOLDER / f"{type_of(event).rpartition('.v')[0]}.v{schema_of(event)}.json"


def golden_of(event: type[Event]) -> bytes:
    """Return the content of that file: personal values stand in it as they are before sealing."""
    example = example_of(event).model_dump(mode="json", exclude={"type"}, exclude_none=True)
    content = {
        "type": type_of(event),
        "schema": schema_of(event),
        "published_by": source_of(event),
        "example": example,
        "json_schema": json_schema_of(event),
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(exist_ok=True)
    for event in EVENTS.values():
        path_of(event).write_bytes(golden_of(event))


if __name__ == "__main__":
    main()
