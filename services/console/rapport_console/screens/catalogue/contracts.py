"""What a contract says of itself, as a page shows it: fields, example, and who publishes it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import getdoc
from typing import Any, Final

import orjson

from rapport_events.codec import EVENTS, schema_of, source_of, type_of, types_of
from rapport_events.contracts.base import Event
from rapport_events.contracts.examples import example_of
from rapport_events.contracts.schemas import json_schema_of

Schema = Mapping[str, Any]

_LIMITS: Final = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "maxProperties": "at most {}",
    "minimum": "from {}",
    "maximum": "up to {}",
    "pattern": "like {}",
}
_DEPTH_MAX: Final = 6


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a schema."""

    name: str
    """With the names of what it is in, for example `items[].sku`."""
    kind: str
    is_required: bool
    is_personal: bool
    note: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One type of events."""

    name: str
    summary: str
    description: str
    version: str
    former: tuple[str, ...]
    """Majors that are still read."""
    producers: tuple[str, ...]
    event: type[Event]

    @property
    def fields(self) -> list[Field]:
        """What its data hold."""
        schema = json_schema_of(self.event)
        return list(_fields(schema, schema.get("$defs", {}), "", 0))

    @property
    def schema(self) -> str:
        """The JSON Schema of its data."""
        return orjson.dumps(json_schema_of(self.event), option=orjson.OPT_INDENT_2).decode()

    @property
    def example(self) -> str:
        """Data as they could be, with personal values open."""
        return example_of(self.event).model_dump_json(exclude={"type"}, exclude_none=True, indent=2)


def entries(words: str = "") -> list[Entry]:
    """Return the types whose name or meaning holds all of these words; all where there are none."""
    wanted = words.lower().split()
    found = sorted(map(_entry, EVENTS.values()), key=lambda entry: entry.name)
    return [entry for entry in found if all(word in f"{entry.name} {entry.description}".lower() for word in wanted)]


def entry_of(name: str) -> Entry | None:
    """Return one type; None where nobody publishes it."""
    event = EVENTS.get(name)
    return None if event is None else _entry(event)


def _entry(event: type[Event]) -> Entry:
    described = (getdoc(event) or "").strip()
    name = type_of(event)
    former = tuple(each for each in types_of(event) if each != name)
    return Entry(name, described.partition("\n")[0], described, schema_of(event), former, source_of(event), event)


def _fields(schema: Schema, definitions: Schema, within: str, depth: int) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, given in schema.get("properties", {}).items():
        part = _resolved(given, definitions)
        is_personal = part.get("format") == "sealed"
        shown = _resolved(part.get("contentSchema", {}), definitions) if is_personal else part
        place = f"{within}{name}"
        yield Field(place, _kind(shown, definitions), name in required, is_personal, _note(part, shown))
        inner = _resolved(shown.get("items", shown), definitions)
        if "properties" in inner and depth < _DEPTH_MAX:
            yield from _fields(inner, definitions, f"{place}[]." if "items" in shown else f"{place}.", depth + 1)


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    reference = schema.get("$ref")
    return schema if reference is None else {**definitions[reference.rpartition("/")[2]], **schema}


def _kind(schema: Schema, definitions: Schema) -> str:
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " or ".join(_kind(_resolved(each, definitions), definitions) for each in schema["anyOf"])
    if "items" in schema:
        return f"list of {_kind(_resolved(schema['items'], definitions), definitions)}"
    return str(schema.get("format") or schema.get("type") or "anything")


def _note(given: Schema, shown: Schema) -> str:
    limits = [words.format(shown[name]) for name, words in _LIMITS.items() if name in shown]
    return " ".join(part for part in (str(given.get("description", "")), ", ".join(limits)) if part)
