"""The mapping: a TOML file that says what the columns of a file mean, checked before a row is read."""

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from rapport_cli.importing.faults import describe, nearest
from rapport_cli.importing.kinds import ITEM_FIELDS, KINDS, TOTAL_OF, Kind, Member

MAPPING_BYTES_MAX = 1_048_576
TESTS = ("is", "is_not", "starts_with", "not_starts_with", "empty", "below", "at_least")


class MappingRefused(Exception):
    """The mapping cannot be used; each line of `faults` says where, and what would be right."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def _listed(value: object) -> object:
    return cast("object", value) if isinstance(value, list | tuple) else (value,)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        msg = f"{value!r} is no zone; write a name such as 'Europe/London' or 'UTC'"
        raise ValueError(msg) from error
    return value


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Zone = Annotated[str, AfterValidator(_zone)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Number = Annotated[str, Field(pattern=r"^-?\d{1,20}(\.\d{1,10})?$"), BeforeValidator(str)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Value(_Part):
    """Where a value comes from: a cell, a constant, or the product of two cells. Blanks around texts do not count."""

    column: str | None = None
    value: str | int | bool | None = None
    product: tuple[str, str] | None = None
    map: dict[str, str] | None = None
    """From the text of the cell to the value; a text that is not in it takes `default`, else its row is rejected."""
    default: str | None = None
    omit: Texts = ()
    """Texts that mean that there is no value."""
    kind: Annotated[Literal["text", "integer", "boolean"], Field(alias="as")] = "text"
    """What an attribute becomes."""
    negate: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_column(cls, value: object) -> object:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_one_source(self) -> "Value":
        if sum(source is not None for source in (self.column, self.value, self.product)) != 1:
            msg = "must say one of `column`, `value` (a constant) or `product` (two columns)"
            raise ValueError(msg)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that it reads."""
        return (self.column,) if self.column is not None else self.product or ()


class Condition(_Part):
    """One test of a cell."""

    column: str
    is_: Annotated[Texts | None, Field(alias="is")] = None
    is_not: Texts | None = None
    starts_with: Texts | None = None
    not_starts_with: Texts | None = None
    empty: bool | None = None
    below: Number | None = None
    at_least: Number | None = None

    @model_validator(mode="after")
    def _has_one_test(self) -> "Condition":
        if sum(getattr(self, "is_" if name == "is" else name) is not None for name in TESTS) != 1:
            msg = f"must say one test of the column: {', '.join(TESTS)}"
            raise ValueError(msg)
        return self


Conditions = Annotated[tuple[Condition, ...], BeforeValidator(_listed)]


class Skip(_Part):
    """Rows that are left out, and why; all conditions must hold. The first rule that fits counts."""

    reason: Name
    when: Annotated[Conditions, Field(min_length=1)]


class Subject(_Part):
    """The customer: by its number in the mapping's system, or by e-mail address."""

    id: Value | None = None
    email: Value | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_value(cls, value: object) -> object:
        names = cast("dict[str, object]", value) if isinstance(value, dict) else {}
        plain: dict[str, object] = {"id": value}
        return names if "id" in names or "email" in names else plain

    @model_validator(mode="after")
    def _is_one_name(self) -> "Subject":
        if (self.id is None) == (self.email is None):
            msg = "must name the customer by `id` or by `email`"
            raise ValueError(msg)
        return self


class Time(_Part):
    """When it happened: ISO 8601, or by a format of strptime. A time without a zone is local in the mapping's zone."""

    column: str
    format: str | None = None
    zone: Zone | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_column(cls, value: object) -> object:
        return {"column": value} if isinstance(value, str) else value


class EventRule(_Part):
    """How rows become events of one type."""

    type: str
    name: Name | None = None
    """Tells several rules of one type apart; it becomes part of the ids of facts without a natural key."""
    when: Conditions = ()
    group_by: Texts = ()
    """Rows with equal cells here are one event. Other rows may stand between them."""
    key: Texts = ()
    """Columns that make up the number of the fact in its own system; without them a row's contents are its name."""
    subject: Subject | None = None
    time: Time
    fields: dict[str, Value] = Field(default_factory=dict)
    items: dict[str, Value] | None = None
    attributes: Annotated[dict[Name, Value], Field(max_length=32)] = Field(default_factory=dict)
    pii: dict[str, Annotated[tuple[Value, ...], BeforeValidator(_listed)]] = Field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """What the type of event takes."""
        return KINDS[self.type]

    @model_validator(mode="after")
    def _fits_its_type(self) -> "EventRule":
        faults = list(_misfits(self))
        if faults:
            raise ValueError("; ".join(faults))
        return self


class Mapping(_Part):
    """A whole mapping."""

    name: Name
    version: Annotated[int, Field(ge=1)]
    system: Annotated[str, Field(min_length=1, max_length=200)]
    """The system that the file comes from: ids in the file belong to it."""
    zone: Zone
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    delimiter: Annotated[str, Field(pattern=r"^[,;|\t]$")] = ","
    skip: tuple[Skip, ...] = ()
    event: Annotated[tuple[EventRule, ...], Field(max_length=16)]
    truth: dict[str, str] = Field(default_factory=dict)
    """Paths of a published truth about the file, each with the path of the report that answers it."""

    @model_validator(mode="after")
    def _tells_rules_apart(self) -> "Mapping":
        if not self.event:
            msg = "event is missing: at least one [[event]] says what rows mean"
            raise ValueError(msg)
        seen: set[tuple[str, str | None]] = set()
        for rule in self.event:
            if (rule.type, rule.name) in seen:
                msg = f"two rules make {rule.type}; give each a `name`, so that their facts differ"
                raise ValueError(msg)
            seen.add((rule.type, rule.name))
        return self


def shipped() -> list[str]:
    """Return the names of the mappings that come with the suite."""
    folder = files("rapport_cli") / "mappings"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load(name_or_path: str) -> Mapping:
    """
    Read a mapping that comes with the suite, by its name, or one from a file.

    Raises:
        MappingRefused: There is none, or it cannot be used.
    """
    if re.fullmatch(r"[a-z0-9_]+", name_or_path) and not Path(name_or_path).is_file():
        if name_or_path not in shipped():
            hint = nearest(name_or_path, shipped())
            raise MappingRefused(
                [f"there is no mapping {name_or_path!r}{hint}; those that come along: {', '.join(shipped())}"]
            )
        raw = (files("rapport_cli") / "mappings" / f"{name_or_path}.toml").read_bytes()
    else:
        raw = _read(Path(name_or_path))
    return parse(raw, name_or_path)


def parse(raw: bytes, place: str) -> Mapping:
    """Check the text of a mapping; `place` is what faults call it."""
    try:
        table = tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingRefused([f"{place}: is no TOML: {error}"]) from error
    try:
        return Mapping.model_validate(table)
    except ValidationError as error:
        raise MappingRefused([f"{place}: {line}" for line in describe(error, table, Mapping)]) from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAPPING_BYTES_MAX + 1)
    except OSError as error:
        raise MappingRefused([f"{path}: cannot be read: {error.strerror}"]) from error
    if len(raw) > MAPPING_BYTES_MAX:
        raise MappingRefused([f"{path}: is larger than {MAPPING_BYTES_MAX:,} bytes"])
    return raw


def _misfits(rule: EventRule) -> Iterator[str]:
    kind = KINDS.get(rule.type)
    if kind is None:
        yield f"type {rule.type!r} is not known{nearest(rule.type, KINDS)}; possible: {', '.join(KINDS)}"
        return
    if kind.needs_subject != (rule.subject is not None):
        yield (
            "subject is missing: the column with the customer's number"
            if kind.needs_subject
            else (f"subject does not belong here: {rule.type} is about the customer of its case")
        )
    if not kind.has_external and (rule.group_by or rule.key):
        yield f"group_by and key do not belong to {rule.type}: its first row for each subject counts"
    if rule.type == "case.responded" and not rule.key and "case" not in rule.fields:
        yield "fields.case is missing: the column with the number of the complaint"
    yield from _field_misfits(rule, kind)
    yield from _item_misfits(rule, kind)
    for name in rule.pii:
        if name not in kind.pii:
            yield f"pii.{name} is not known{nearest(name, kind.pii)}; possible: {', '.join(kind.pii) or 'none'}"
        elif len(rule.pii[name]) > 1 and name not in kind.lists:
            yield f"pii.{name} takes one value"


def _field_misfits(rule: EventRule, kind: Kind) -> Iterator[str]:
    for name, value in rule.fields.items():
        member = kind.fields.get(name)
        if member is None:
            yield f"fields.{name} is not known{nearest(name, kind.fields)}; possible: {', '.join(kind.fields)}"
        else:
            yield from _wrong_constants(f"fields.{name}", value, member)
    for name, member in kind.fields.items():
        if member.required and name not in rule.fields:
            choices = f" (one of {', '.join(member.choices)})" if member.choices else ""
            yield f'fields.{name} is missing: a column, or {{ value = "…" }}{choices}'


def _wrong_constants(place: str, value: Value, member: Member) -> Iterator[str]:
    constants = [str(value.value)] if value.value is not None else []
    constants += list((value.map or {}).values())
    constants += [value.default] if value.default is not None else []
    for constant in constants:
        if member.choices and constant not in member.choices:
            yield (
                f"{place}: {constant!r} is not possible{nearest(constant, member.choices)}; "
                f"possible: {', '.join(member.choices)}"
            )
        elif member.check == "currency" and not re.fullmatch("[A-Z]{3}", constant):
            yield f"{place}: {constant!r} is no currency; write three capital letters"
    if value.product is not None and member.check != "number":
        yield f"{place}: a product is a number, which does not belong here"


def _item_misfits(rule: EventRule, kind: Kind) -> Iterator[str]:
    if rule.items is None:
        if kind.takes_items and TOTAL_OF[rule.type] not in rule.fields:
            yield f"items (or fields.{TOTAL_OF[rule.type]}) are missing"
        return
    if not kind.takes_items:
        yield f"items do not belong to {rule.type}"
    for name in rule.items:
        if name not in ITEM_FIELDS:
            yield f"items.{name} is not known{nearest(name, ITEM_FIELDS)}; possible: {', '.join(ITEM_FIELDS)}"
    for name in ("qty", "line_total"):
        if name not in rule.items:
            yield f'items.{name} is missing: a column, {{ value = "…" }} or {{ product = ["…", "…"] }}'
