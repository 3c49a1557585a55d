"""Turn the rows of one fact into the command that tells it, as the mapping says; compiled once for a file."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from rapport_cli.importing.cells import Column, RowRefused, Test, Text, test_of
from rapport_cli.importing.faults import nearest
from rapport_cli.importing.kinds import Kind
from rapport_cli.importing.mapping import EventRule, MappingRefused, Value
from rapport_cli.importing.mapping import Mapping as FileMapping
from rapport_cli.importing.parts import (
    BadRow,
    Body,
    Part,
    attributes_part,
    constant,
    customer_part,
    external_part,
    field_part,
    items_part,
    joined,
    pii_part,
    reference_part,
    subject_of,
    time_part,
)
from rapport_cli.importing.rows import Row

GROUP_ROWS_MAX: Final = 1_000
"""Rows of one fact: as many as a purchase may have items."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One compiled rule of the mapping."""

    index: int
    kind: Kind
    when: Test | None
    group: Callable[[Row], str] | None
    """The key of the group that a row belongs to; None where each row is a fact of its own."""
    subject: Text | None
    needs_row_name: bool
    """Whether the contents of the row are the fact's name."""
    system: str
    suffix: str
    parts: tuple[Part, ...]

    def line(self, rows: Sequence[Row], name: str) -> bytes:
        """
        Return the line of a batch that tells the fact.

        Args:
            rows: Of one fact, in the order of the file.
            name: What names a row without a natural key; empty where it is not needed.

        Raises:
            BadRow: A row cannot become this fact.
        """
        body: Body = {}
        try:
            for part in self.parts:
                part(rows, body)
        except RowRefused as cause:
            raise BadRow(0, cause) from cause
        if self.needs_row_name:
            body["external"] = {"system": self.system, "id": name + self.suffix}
        return orjson.dumps({"command": self.kind.command, "body": body})


def row_name(row: Row, number: int) -> str:
    """Name a row by its contents and the number of equal rows before it."""
    digest = hashlib.blake2b(row_text(row).encode("utf-8", "surrogatepass"), digest_size=16)
    return f"{digest.hexdigest()}-{number}"


def row_text(row: Row) -> str:
    """Return a text that is equal for equal rows, and for those alone."""
    return "\x1f".join(row)


def columns_of(mapping: FileMapping, header: Sequence[str]) -> Column:
    """
    Return the function that finds a column.

    Raises:
        MappingRefused: The file lacks columns that the mapping reads; each is named with the nearest that is there.
    """
    places = {name: place for place, name in enumerate(header)}
    faults = [
        f"{place}: the file has no column {name!r}{nearest(name, header)}"
        for name, place in _needed(mapping)
        if name not in places
    ]
    if faults:
        raise MappingRefused([*faults, f"columns of the file: {', '.join(header)}"])
    return places.__getitem__


def unused(mapping: FileMapping, header: Sequence[str]) -> list[str]:
    """Return the columns that the mapping does not read."""
    needed = {name for name, _ in _needed(mapping)}
    return [name for name in header if name not in needed]


def _needed(mapping: FileMapping) -> list[tuple[str, str]]:
    """List the columns that a mapping reads, each with its place there."""
    found = [(test.column, f"skip {number} ({rule.reason})") for number, rule in enumerate(mapping.skip, 1) for test in rule.when]
    for number, rule in enumerate(mapping.event, 1):
        place = f"event {number} ({rule.type})"
        found += [(test.column, f"{place}: when") for test in rule.when]
        found += [(name, f"{place}: group_by") for name in rule.group_by]
        found += [(name, f"{place}: key") for name in rule.key]
        found.append((rule.time.column, f"{place}: time"))
        values: list[tuple[str, Value]] = []
        if rule.subject is not None:
            values += [(f"subject.{name}", value) for name, value in rule.subject if isinstance(value, Value)]
        for part in ("fields", "items", "attributes"):
            values += [(f"{part}.{name}", value) for name, value in (getattr(rule, part) or {}).items()]
        values += [(f"pii.{name}", value) for name, several in rule.pii.items() for value in several]
        found += [(name, f"{place}: {where}") for where, value in values for name in value.columns]
    return found


def compile_facts(mapping: FileMapping, header: Sequence[str]) -> tuple[Fact, ...]:
    """
    Compile a mapping for a file.

    Raises:
        MappingRefused: The file lacks columns that the mapping reads.
    """
    column = columns_of(mapping, header)
    return tuple(_compile(index, rule, mapping, column) for index, rule in enumerate(mapping.event))


def _compile(index: int, rule: EventRule, mapping: FileMapping, column: Column) -> Fact:
    kind = rule.kind
    subject = subject_of(rule, column)
    group = joined(rule.group_by, column) if rule.group_by else None
    key = joined(rule.key or rule.group_by, column) if rule.key or rule.group_by else None
    suffix = f"-{rule.name}" if rule.name else ""
    parts: list[Part] = []
    if rule.subject is not None:
        parts.append(customer_part(rule, mapping.system, column))
    if kind.has_external and key is not None:
        parts.append(external_part(key, mapping.system, suffix))
    parts.append(time_part(rule, mapping, column))
    if kind.type == "crm.customer.created.v1" and "source" not in rule.fields:
        parts.append(constant("source", mapping.name))
    if kind.takes_items and "currency" not in rule.fields:
        parts.append(constant("currency", mapping.currency))
    parts += [field_part(name, value, kind.fields[name], column, mapping.system) for name, value in rule.fields.items()]
    if rule.type == "case.responded" and "case" not in rule.fields and key is not None:
        parts.append(reference_part("case", key, mapping.system))
    if kind.takes_items:
        parts += items_part(rule, column)
    if rule.attributes:
        parts.append(attributes_part(rule.attributes, column))
    if rule.pii:
        parts.append(pii_part(rule, column))
    return Fact(
        index=index,
        kind=kind,
        when=test_of(rule.when, column),
        group=group,
        subject=subject,
        needs_row_name=kind.has_external and key is None,
        system=mapping.system,
        suffix=suffix,
        parts=tuple(parts),
    )


