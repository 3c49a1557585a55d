"""Put the parts of a command together, each as the mapping says, from the rows of one fact."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from typing import TypeVar

from rapport_cli.importing.cells import (
    CODE_LENGTH_MAX,
    EXACT,
    Column,
    RowRefused,
    Text,
    check,
    checked_code,
    figure_of,
    number_of,
    text_of,
    time_of,
    to_boolean,
    to_integer,
)
from rapport_cli.importing.kinds import ITEM_LENGTH_MAX, ITEM_NUMBERS, TOTAL_OF, Kind, Member
from rapport_cli.importing.mapping import EventRule, Subject, Time, Value
from rapport_cli.importing.rows import Row

T = TypeVar("T")

Body = dict[str, object]
Part = Callable[[Sequence[Row], Body], None]
"""Puts one part of a command's body together from the rows of a fact."""


class BadRow(Exception):
    """One of a fact's rows cannot be used; `index` says which."""

    def __init__(self, index: int, cause: RowRefused) -> None:
        super().__init__(cause.reason)
        self.index = index
        self.cause = cause


def each(rows: Sequence[Row], read: Callable[[Row], T]) -> list[T]:
    """
    Read something from each row.

    Raises:
        BadRow: It cannot be read from this one.
    """
    found: list[T] = []
    for row in rows:
        try:
            found.append(read(row))
        except RowRefused as cause:
            raise BadRow(len(found), cause) from cause
    return found


def subject_of(subject: Subject | None, column: Column) -> Text | None:
    """Return the function that reads the customer's outside name."""
    value = (subject.id or subject.email) if subject is not None else None
    return text_of(value, column) if value is not None else None


def joined(names: Sequence[str], column: Column) -> Callable[[Row], str]:
    """Return the function that makes one key of several cells."""
    places = [column(name) for name in names]
    if len(places) == 1:
        only = places[0]
        return lambda row: row[only].strip()
    # Cells with a slash of their own are told apart: ("a/b", "c") is not ("a", "b/c").
    return lambda row: "/".join([row[place].strip().replace("\\", "\\\\").replace("/", "\\/") for place in places])


def constant(name: str, value: str) -> Part:
    """Put in the same value always."""

    def put(_: Sequence[Row], body: Body) -> None:
        body[name] = value

    return put


def customer_part(text: Text, system: str, *, by_email: bool) -> Part:
    """Name the customer, who must be the same in all rows."""

    def read(row: Row) -> str:
        name = text(row)
        if name is None:
            raise RowRefused("missing_value", "subject")
        if len(name) > CODE_LENGTH_MAX:
            raise RowRefused("too_long", "subject")
        return name

    def put(rows: Sequence[Row], body: Body) -> None:
        names = each(rows, read)
        if len(names) > 1 and len(set(names)) > 1:
            other = next(index for index, name in enumerate(names) if name != names[0])
            raise BadRow(other, RowRefused("other_customer_in_group", "subject"))
        body["customer"] = {"email": names[0]} if by_email else {"system": system, "external_id": names[0]}

    return put


def external_part(key: Callable[[Row], str], system: str, suffix: str) -> Part:
    """Name the fact by its number in its own system."""

    def put(rows: Sequence[Row], body: Body) -> None:
        name = key(rows[0])
        if not name:
            raise RowRefused("missing_value", "key")
        body["external"] = {"system": system, "id": checked_code(name + suffix, "key")}

    return put


def reference_part(name: str, text: Text, system: str) -> Part:
    """Name another thing by its number in that system; a case must be named."""

    def put(rows: Sequence[Row], body: Body) -> None:
        if found := text(rows[0]):
            body[name] = {"system": system, "id": checked_code(found, name)}
        elif name == "case":
            raise RowRefused("missing_value", name)

    return put


def time_part(time: Time, zone: str, column: Column) -> Part:
    """Say when it happened: the earliest time of the rows."""
    read = time_of(time, zone, column)

    def put(rows: Sequence[Row], body: Body) -> None:
        body["at"] = min(each(rows, read))

    return put


def field_part(name: str, value: Value, member: Member, column: Column, system: str) -> Part:
    """Put in one field, from the first row."""
    if name in {"purchase", "case"}:
        return reference_part(name, text_of(value, column), system)
    if member.check == "number":
        number = number_of(value, column, name)

        def put_number(rows: Sequence[Row], body: Body) -> None:
            if (found := number(rows[0])) is not None:
                body[name] = format(found, "f")

        return put_number
    text = text_of(value, column)

    def put(rows: Sequence[Row], body: Body) -> None:
        if (found := text(rows[0])) is not None:
            body[name] = check(found, member, name)
        elif member.required:
            raise RowRefused("missing_value", name)

    return put


def items_part(rule: EventRule, items: Mapping[str, Value], column: Column) -> Part:
    """Put in one item for each row, and their sum where the mapping does not name the total itself."""
    read = _item(items, column)
    name = TOTAL_OF[rule.type]
    adds = name not in rule.fields

    def put(rows: Sequence[Row], body: Body) -> None:
        found = each(rows, read)
        body["items"] = [item for item, _ in found]
        if not adds:
            return
        added = reduce(EXACT.add, [amount for _, amount in found])
        if name == "amount" and added < 0:
            raise RowRefused("negative_amount", name)
        body[name] = format(added, "f")

    return put


def _item(items: Mapping[str, Value], column: Column) -> Callable[[Row], tuple[Body, Decimal]]:
    total = figure_of(items["line_total"], column, "items.line_total")
    texts = [(name, text_of(value, column)) for name, value in items.items() if name not in ITEM_NUMBERS]
    numbers = [
        (name, figure_of(value, column, f"items.{name}"))
        for name, value in items.items()
        if name in ITEM_NUMBERS and name != "line_total"
    ]

    def read(row: Row) -> tuple[Body, Decimal]:
        item: Body = {}
        for name, text in texts:
            if (found := text(row)) is not None:
                if len(found) > ITEM_LENGTH_MAX:
                    raise RowRefused("too_long", f"items.{name}")
                item[name] = found
        for name, figure in numbers:
            if (number := figure(row)) is not None:
                item[name] = number[1]
        amount = total(row)
        if amount is None or "qty" not in item:
            raise RowRefused("missing_value", "items.qty" if amount is not None else "items.line_total")
        item["line_total"] = amount[1]
        return item, amount[0]

    return read


def attributes_part(values: Mapping[str, Value], column: Column) -> Part:
    """Put in the coded facts of the first row; empty ones are left out."""
    reads = [(name, f"attributes.{name}", text_of(value, column), value.kind) for name, value in values.items()]

    def put(rows: Sequence[Row], body: Body) -> None:
        found: dict[str, object] = {}
        for name, place, text, kind in reads:
            if (value := text(rows[0])) is None:
                continue
            if kind == "text":
                found[name] = checked_code(value, place)
            elif kind == "integer":
                found[name] = to_integer(value, place)
            else:
                found[name] = to_boolean(value, place)
        if found:
            body["attributes"] = found

    return put


def pii_part(values: Mapping[str, Sequence[Value]], kind: Kind, column: Column) -> Part:
    """Put in the personal values of the first row; empty ones are left out."""
    reads = [(name, [text_of(value, column) for value in several]) for name, several in values.items()]

    def put(rows: Sequence[Row], body: Body) -> None:
        found: dict[str, object] = {}
        for name, texts in reads:
            values = [value for text in texts if (value := text(rows[0])) is not None]
            if any(len(value) > kind.pii[name] for value in values):
                raise RowRefused("too_long", f"pii.{name}")
            if values:
                found[name] = values if name in kind.lists else values[0]
        if found:
            body["pii"] = found

    return put
