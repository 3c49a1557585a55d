"""
Write the golden files: for each event its example and its schema, as they are published.

`python -m tests.contracts.regenerate` (a part of `make docs`) writes the file of each event's current version, unless
that is released. Files of former versions stay for ever: the tests read them as old events. A published event is never
edited: a new optional field raises the class's `schema_version`, and so makes a new file beside the old.
"""

from rapport_events.codec import EVENTS
from tests.contracts.museum import FOLDER, golden_of, path_of, released


def main() -> None:
    """Write all that are not released."""
    FOLDER.mkdir(exist_ok=True)
    listed = released()
    for event in EVENTS.values():
        path = path_of(event)
        if path.name not in listed:
            path.write_bytes(golden_of(event))


if __name__ == "__main__":
    main()
