"""Requests that name what belongs to another tenant, made for every place of every route; and what they may be told."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import quote
from uuid import UUID

import httpx
import orjson

from rapport_events.ids import PARTITIONS
from tests.system.operations import BATCH, Operation, Slot, with_slot

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_OF_THE_MOMENT: Final = {"correlation_id", "freshness", "at", "positions", "secret"}
"""Members that are another one at each answer."""
_OWN_NAME: Final = re.compile(r"stranger[0-9a-f]+")
_CODED: Final = re.compile(rb"[A-Za-z0-9_-]{20,}")


@dataclass(frozen=True, slots=True)
class Thing:
    """Something of a tenant by which others might ask for it."""

    kind: str
    value: str
    partition: int = 0

    @property
    def form(self) -> str:
        """How it looks; ids of all kinds look the same, but for whether their last byte can be a partition."""
        if not _UUID.fullmatch(self.value):
            return self.kind
        return "placed id" if int(self.value[-2:], 16) < PARTITIONS else "id"

    @property
    def shapes(self) -> dict[str, str]:
        """The ways to write it."""
        if not _UUID.fullmatch(self.value):
            return {"plain": self.value}
        return {"plain": self.value, "upper": self.value.upper(), "bare": self.value.replace("-", "")}

    @property
    def twin(self) -> "Thing":
        """Return one of the same kind and partition that nobody has."""
        if not _UUID.fullmatch(self.value):
            return Thing(self.kind, f"x{self.value[1:]}", self.partition)
        whole = UUID(self.value).int ^ (0xA5A5A5 << 24)
        return Thing(self.kind, str(UUID(int=whole)), self.partition)


@dataclass(frozen=True, slots=True)
class Probe:
    """One request about a thing, and the same about its twin."""

    operation: Operation
    slot: Slot
    thing: Thing
    shape: str
    needs_own_tenant: bool = False
    """Whether it can begin something, so that the next one would meet that."""

    @property
    def label(self) -> str:
        """The probe in words."""
        return f"{self.operation.label} {self.slot.place}:{self.slot.name} {self.thing.kind} {self.shape}"

    def request(self, thing: Thing, own: Mapping[str, str]) -> "Wire":
        """
        Say what is sent about a thing.

        Args:
            thing: The one of somebody else, or its twin.
            own: By noun, what the caller has, for the places that do not name the thing.
        """
        operation, value = self.operation, thing.shapes[self.shape]
        wire = Wire(operation.method, operation.path, dict(operation.query), {}, operation.body)
        if "partition" in wire.query:
            wire.query["partition"] = str(thing.partition)
        for slot in operation.slots_of("path"):
            is_named = slot == self.slot or self.slot.name.lower() == "if-match"
            named = value if is_named else own.get(noun_of(slot.name), NOBODY)
            wire.path = wire.path.replace(f"{{{slot.name}}}", quote(named, safe=""))
        match self.slot.place:
            case "query":
                wire.query[self.slot.name] = value
            case "header":
                wire.headers[self.slot.name] = '"1"' if self.slot.name == "If-Match" else value
            case "body":
                wire.body = with_slot(wire.body, self.slot.name.split("."), _named(self.slot, thing.kind, value))
            case _:
                pass
        return wire


@dataclass(slots=True)
class Wire:
    """A request as it is sent."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: object

    async def send(self, client: httpx.AsyncClient, token: str) -> "Told":
        """Send it, and return what was told."""
        headers = {"authorization": f"Bearer {token}", **self.headers}
        content = orjson.dumps(self.body) if self.body is not None else None
        if content is not None:
            headers["content-type"] = "application/json"
        answer = await client.request(self.method, self.path, params=self.query, headers=headers, content=content)
        return Told(answer.status_code, dict(answer.headers), answer.content)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes = b""

    def names(self, markers: Sequence[str]) -> list[str]:
        """Name what stands in it of some texts, in body and headers, and in what is only coded there."""
        text = self.content + b"\n" + "\n".join(self.headers.values()).encode()
        text += b"\n".join(_decoded(each) for each in _CODED.findall(text))
        return [marker for marker in markers if marker.encode() in text]

    def essence(self, thing: Thing) -> tuple[object, ...]:
        """Return what must not depend on whether somebody else has the thing."""
        text = self.content.decode()
        for shape in {*thing.shapes.values(), thing.value}:
            text = text.replace(shape, "<thing>")
        # Ids that are made from the caller's own key, or now.
        text = _OWN_NAME.sub("<own>", _UUID.sub("<id>", text))
        body: Any = orjson.loads(text) if text.startswith(("{", "[")) and "\n" not in text.strip() else text
        return (self.status, self.headers.get("etag"), "location" in self.headers, _without(body, _OF_THE_MOMENT))


_TOKENS: Final[Mapping[str, tuple[str, ...]]] = {
    "after": ("position",),
    "cursor": ("cursor", "feed"),
    **dict.fromkeys(("as_of", "known_at", "month", "type", "keep"), ()),
}
"""Parameters that name no thing, and what fits into them."""
_NO_NAMES: Final = {"position", "feed", "cursor", "key"}
NOBODY: Final = "0192a000-0000-7000-8000-0000000abc07"


def probes(operation: Operation, things: Sequence[Thing]) -> Iterator[Probe]:
    """Yield every question about another's things that a route takes."""
    for slot in operation.slots:
        begins = operation.method == "POST"
        for thing in things:
            if not _fits(operation, slot, thing):
                continue
            yield Probe(operation, slot, thing, "plain", begins)
            if slot.place != "header" and noun_of(slot.name) == thing.kind:
                yield from (Probe(operation, slot, thing, shape, begins) for shape in thing.shapes if shape != "plain")


def lines_about(operations: Sequence[Operation], thing: Thing) -> list[bytes]:
    """Return a line of a batch for each command, and each place of it that could name a thing."""
    lines: list[bytes] = []
    for operation in operations:
        named = {slot.name: thing.value for slot in operation.slots_of("path")}
        bodies = [{**(operation.body or {}), **named}] if named else []
        for slot in operation.slots_of("body"):
            if _fits(operation, slot, thing):
                value = _named(slot, thing.kind, thing.value)
                whole = {**(operation.body or {}), **dict.fromkeys(named, NOBODY)}
                bodies.append(dict(orjson.loads(orjson.dumps(with_slot(whole, slot.name.split("."), value)))))
        lines += [orjson.dumps({"command": operation.name, "body": body}) for body in bodies]
    return lines


async def send_batch(client: httpx.AsyncClient, token: str, lines: Sequence[bytes]) -> list[Told]:
    """Send lines, and return what was told of each."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/x-ndjson"}
    answer = await client.post(BATCH, content=b"\n".join(lines), headers=headers)
    assert answer.status_code == httpx.codes.OK, answer.text
    return [Told(int(orjson.loads(line)["status"]), {}, line) for line in answer.content.splitlines()]


def _fits(operation: Operation, slot: Slot, thing: Thing) -> bool:
    is_id = _UUID.fullmatch(thing.value) is not None
    match slot.place:
        case "path":
            return is_id or thing.kind in {"segment", "external", "task"}
        case "query":
            return thing.kind in _TOKENS.get(slot.name, ()) if slot.name in _TOKENS else thing.kind not in _NO_NAMES
        case "header":
            header = slot.name.lower()
            if header == "if-match":
                return is_id and any(noun_of(each.name) == thing.kind for each in operation.slots_of("path"))
            return thing.kind == {"idempotency-key": "key", "last-event-id": "feed"}.get(header)
        case _:
            if slot.model == "uuid":
                return is_id
            named = {"external", "email", "customer", "merged"} if slot.model == "CustomerRef" else {"external"}
            return thing.kind in named


def _named(slot: Slot, kind: str, value: str) -> object:
    if slot.model == "uuid":
        return value
    if slot.model == "ExternalRef":
        return {"system": "shop", "id": value}
    return (
        {"system": "shop", "external_id": value} if kind == "external" else {kind if kind == "email" else "id": value}
    )


def noun_of(name: str) -> str:
    """Say of what kind a place names things."""
    noun = name.removesuffix("_id")
    return "customer" if noun == "survivor" else noun


def _without(body: object, names: Collection[str]) -> object:
    if isinstance(body, dict):
        members = cast("dict[str, object]", body)
        return {name: _without(value, names) for name, value in members.items() if name not in names}
    return [_without(each, names) for each in cast("list[object]", body)] if isinstance(body, list) else body


def _decoded(text: bytes) -> bytes:
    try:
        return urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except ValueError:
        return b""
