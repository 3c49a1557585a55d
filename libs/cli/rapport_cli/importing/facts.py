"""Turn the rows of one fact into the command that tells it, as the mapping says; compiled once for a file."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from rapport_cli.importing.cells import Column, RowRefused, Test, Text, test_of
from rapport_cli.importing.columns import columns_of
from rapport_cli.importing.kinds import Kind
from rapport_cli.importing.mapping import EventRule, Mapping
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


def compile_facts(mapping: Mapping, header: Sequence[str]) -> tuple[Fact, ...]:
    """
    Compile a mapping for a file.

    Raises:
        MappingRefused: The file lacks columns that the mapping reads.
    """
    column = columns_of(mapping, header)
    return tuple(_compile(index, rule, mapping, column) for index, rule in enumerate(mapping.event))


def _compile(index: int, rule: EventRule, mapping: Mapping, column: Column) -> Fact:
    kind, system = rule.kind, mapping.system
    key = joined(rule.key or rule.group_by, column) if rule.key or rule.group_by else None
    subject = subject_of(rule.subject, column)
    suffix = f"-{rule.name}" if rule.name else ""
    parts: list[Part] = []
    if rule.subject is not None and subject is not None:
        parts.append(customer_part(subject, system, by_email=rule.subject.email is not None))
    if kind.has_external and key is not None:
        parts.append(external_part(key, system, suffix))
    parts.append(time_part(rule.time, mapping.zone, column))
    if "source" in kind.fields and "source" not in rule.fields:
        parts.append(constant("source", mapping.name))
    if kind.takes_items and "currency" not in rule.fields:
        parts.append(constant("currency", mapping.currency))
    parts += [field_part(name, value, kind.fields[name], column, system) for name, value in rule.fields.items()]
    if "case" in kind.fields and "case" not in rule.fields and key is not None:
        parts.append(reference_part("case", key, system))
    if rule.items is not None:
        parts.append(items_part(rule, rule.items, column))
    if rule.attributes:
        parts.append(attributes_part(rule.attributes, column))
    if rule.pii:
        parts.append(pii_part(rule.pii, kind, column))
    return Fact(
        index=index,
        kind=kind,
        when=test_of(rule.when, column),
        group=joined(rule.group_by, column) if rule.group_by else None,
        subject=subject,
        needs_row_name=kind.has_external and key is None,
        system=system,
        suffix=suffix,
        parts=tuple(parts),
    )
