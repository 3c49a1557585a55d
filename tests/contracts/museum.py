"""
The museum: one file for every version of every event, and the list of those that were released.

A released file never changes and is never removed: it is what others have recorded, or have learned to read.
`python -m tests.contracts.museum` (a part of `make check`) refuses every change that breaks them, each in a sentence;
`make release` puts all files that there are on the list.
"""

import hashlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from rapport_events.codec import EVENTS, schema_of, source_of, type_of
from rapport_events.contracts.base import Event
from rapport_events.contracts.examples import example_of
from rapport_events.contracts.schemas import json_schema_of
from rapport_events.vocabulary import RELEASED, UnknownMajor
from tests.contracts.compatibility import breaks, says_the_same

FOLDER = Path(__file__).parent / "golden"
RELEASES = Path(__file__).parent / "released.txt"


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


def released() -> dict[str, str]:
    """Return the digests of released files by their names."""
    lines = RELEASES.read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def release() -> None:
    """Put every file on the list; those that are on it stay as they were."""
    listed = {path.name: _digest(path) for path in FOLDER.glob("*.json")} | released()
    RELEASES.write_text("".join(f"{listed[name]}  {name}\n" for name in sorted(listed)), encoding="ascii")


def faults() -> Iterator[str]:
    """Say what breaks with what was released or recorded, and what to do instead."""
    listed = released()
    yield from _damaged(listed)
    for path in sorted(FOLDER.glob("*.json")):
        golden = orjson.loads(path.read_bytes())
        name = str(golden["type"])
        try:
            event = RELEASED.class_of(name)
        except UnknownMajor:
            yield f"{name} cannot be read any more: add an upcast from it to the current major in upcasts.py"
            continue
        if event is None:
            if path.name in listed:
                yield f"{name} is not known any more, but it was recorded: put its class back, even if nobody writes it"
        elif type_of(event) == name:
            yield from (f"{name}: {each}" for each in breaks(golden["json_schema"], json_schema_of(event)))
    yield from (fault for event in EVENTS.values() for fault in _stale(event, listed))


def _damaged(listed: Mapping[str, str]) -> Iterator[str]:
    for name, digest in sorted(listed.items()):
        path = FOLDER / name
        if not path.exists():
            yield f"{name} is released and was removed: put it back (git checkout), for its events are recorded"
        elif _digest(path) != digest:
            yield f"{name} is released and was changed: put it back (git checkout), and raise schema_version instead"


def _stale(event: type[Event], listed: Mapping[str, str]) -> Iterator[str]:
    """Compare a class with the file of its current version."""
    path = path_of(event)
    if not path.exists():
        yield f"{path.name} is missing: run `make docs`"
    elif path.name not in listed:
        if path.read_bytes() != golden_of(event):
            yield f"{path.name} is not what its class says: run `make docs`"
    elif not _fits(path, event):
        major, _, minor = schema_of(event).partition(".")
        yield (
            f"{path.name} is released and its class says something else: set schema_version to "
            f'"{major}.{int(minor) + 1}" if a member was added, and run `make docs`'
        )


def _fits(path: Path, event: type[Event]) -> bool:
    golden = orjson.loads(path.read_bytes())
    schema = json_schema_of(event)
    return bool(breaks(golden["json_schema"], schema)) or says_the_same(golden["json_schema"], schema)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    """Print what breaks; return 1 if anything does."""
    found = list(faults())
    for fault in found:
        print(fault, file=sys.stderr)  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["release"]:
        release()
    else:
        sys.exit(main())
