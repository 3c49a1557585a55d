"""What a service can be asked, taken from its OpenAPI document, and valid bodies made from its schemas."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

Schema = dict[str, Any]

BATCH: Final = "/v1/commands:batch"
_PARAMETER: Final = re.compile(r"{(\w+)}")
_MATCHED: Final = "If-Match"
_DEPTH_MAX: Final = 4
_WORDS: Final = ("word", "EUR", "1", "https://127.0.0.1:1/hook", "0" * 64, "crm.customer.*", "2026-03-02")
"""Texts of which one has the form that a pattern asks for."""
_BY_FORMAT: Final = {
    "uuid": "0192a000-0000-7000-8000-00000000aa05",
    "date-time": "2026-03-02T12:00:00Z",
    "date": "2026-03-02",
    "decimal": "1",
}
_BY_MODEL: Final[Mapping[str, object]] = {
    # What validators say of members together stands in no schema.
    "AssignCase": {"agent_id": "agent-7"},
    "ConfigureTenant": {"name": "word", "zone": "UTC", "currency": "EUR"},
    "Condition": {"match": "all", "conditions": [{"kind": "stage", "stages": ["loyal"]}]},
}


class CannotFill(Exception):
    """No valid value is known: who adds such a route says here how it is called."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of a request that takes a text of the caller's."""

    place: str
    """`path`, `query`, `header` or `body`."""
    name: str
    """Of the parameter; in a body the way there, with dots between."""
    model: str = ""
    """In a body: `uuid`, or the schema that names something."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One route with its method."""

    service: str
    method: str
    path: str
    name: str
    """The operation's id; that of a command is the command's name."""
    is_command: bool
    slots: tuple[Slot, ...]
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    """What must be there, filled."""
    body: Mapping[str, object] | None = None

    @property
    def label(self) -> str:
        """The operation in words."""
        return f"{self.service} {self.method} {self.path}"

    def slots_of(self, *places: str) -> list[Slot]:
        """Return the slots of some places."""
        return [slot for slot in self.slots if slot.place in places]


def operations(service: str, document: Schema) -> Iterator[Operation]:
    """
    Yield all that a service can be asked.

    Raises:
        CannotFill: It asks for something of which no valid value is known.
    """
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            if path != BATCH:
                yield _operation(service, method.upper(), path, described, schemas)


def _operation(service: str, method: str, path: str, described: Schema, schemas: Schema) -> Operation:
    label = f"{service} {method} {path}"
    for each in described.get("parameters", []):
        if each["in"] == "path" and "enum" in each["schema"]:
            path = path.replace(f"{{{each['name']}}}", str(each["schema"]["enum"][0]))
    parameters = [each for each in described.get("parameters", []) if each["in"] != "path"]
    slots = [Slot("path", name) for name in _PARAMETER.findall(path)]
    slots += [Slot(each["in"], each["name"]) for each in parameters if _takes_text(each["schema"])]
    query = {
        each["name"]: str(_fill(each["schema"], schemas, label))
        for each in parameters
        if each["in"] == "query" and each.get("required")
    }
    body: Mapping[str, object] | None = None
    if "requestBody" in described:
        (content,) = described["requestBody"]["content"].values()
        body = cast("Mapping[str, object]", _fill(content["schema"], schemas, label))
        slots += _slots(content["schema"], schemas, ())
    is_command = any(each["name"] == _MATCHED for each in parameters)
    return Operation(service, method, path, described["operationId"], is_command, tuple(slots), query, body)


def _takes_text(schema: Schema) -> bool:
    found = _plain(schema)
    return found.get("type") == "string" and "enum" not in found and found.get("format") not in {"date-time", "date"}


def _plain(schema: Schema) -> Schema:
    """Look through what may be null, and into lists."""
    for part in schema.get("anyOf", []):
        if part.get("type") != "null":
            return _plain(part)
    return _plain(schema["items"]) if schema.get("type") == "array" else schema


def _fill(schema: Schema, schemas: Schema, label: str, member: str = "") -> object:
    if "$ref" in schema:
        name = _name_of(schema)
        if name == "CustomerRef":
            return {"system": "shop", "external_id": f"nobody-{member}"}
        return _BY_MODEL[name] if name in _BY_MODEL else _fill(schemas[name], schemas, label)
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if choice.get("type") != "null":
            return _fill(choice, schemas, label)
    kind = schema.get("type")
    if kind == "object":
        return {name: _fill(schema["properties"][name], schemas, label, name) for name in schema.get("required", [])}
    if kind == "array":
        return [_fill(schema["items"], schemas, label) for _ in range(schema.get("minItems", 0))]
    return _plainly(schema, label)


def _plainly(schema: Schema, label: str) -> object:
    match schema.get("type"):
        case "integer" | "number":
            return int(schema.get("minimum", 0))
        case "boolean":
            return False
        case _:
            return _text(schema, label)


def _text(schema: Schema, label: str) -> str:
    if schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    pattern = schema.get("pattern", "")
    for word in _WORDS:
        if re.search(pattern, word) and schema.get("minLength", 0) <= len(word) <= schema.get("maxLength", 1_000):
            return word
    raise CannotFill(f"{label}: no text for {schema}")


def _name_of(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _slots(schema: Schema, schemas: Schema, way: tuple[str, ...]) -> list[Slot]:
    """Find where a body names something: ids, and references by outside names."""
    if "$ref" in schema:
        name = _name_of(schema)
        if name in {"CustomerRef", "ExternalRef"}:
            return [Slot("body", ".".join(way), name)]
        return _slots(schemas[name], schemas, way) if len(way) < _DEPTH_MAX else []
    if schema.get("format") == "uuid":
        return [Slot("body", ".".join(way), "uuid")]
    found: list[Slot] = []
    for choice in schema.get("anyOf", []):
        found += _slots(choice, schemas, way)
    if schema.get("type") == "array":
        found += _slots(schema["items"], schemas, (*way, "0"))
    for name, part in schema.get("properties", {}).items():
        found += _slots(part, schemas, (*way, name))
    return found


def with_slot(body: object, way: Sequence[str], value: object) -> object:
    """Return a body with something else at a place, which is made where it is not there."""
    if not way:
        return value
    head, *rest = way
    if head == "0":
        items = cast("Sequence[object]", body) if isinstance(body, Sequence) else ()
        return [with_slot(items[0] if items else {}, rest, value)]
    members = dict(cast("Mapping[str, object]", body)) if isinstance(body, Mapping) else {}
    members[head] = with_slot(members.get(head, {}), rest, value)
    return members
