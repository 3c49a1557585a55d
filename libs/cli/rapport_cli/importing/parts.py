"""Put the parts of a command together, each as the mapping says, from the rows of one fact."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from rapport_cli.importing.cells import (
    CODE_LENGTH_MAX,
    EXACT,
    Column,
    Numeric,
    RowRefused,
    Text,
    check,
    checked_code,
    number_of,
    text_of,
    time_of,
    to_boolean,
    to_integer,
)
from rapport_cli.importing.kinds import ITEM_LENGTH_MAX, ITEM_NUMBERS, TOTAL_OF, Member
from rapport_cli.importing.mapping import EventRule, Value
from rapport_cli.importing.mapping import Mapping as FileMapping
from rapport_cli.importing.rows import Row

Body = dict[str, object]
Part = Callable[[Sequence[Row], Body], None]
"""Puts one part of a command's body together from the rows of a fact."""


class BadRow(Exception):
    """One of a fact's rows cannot be used; `index` says which."""

    def __init__(self, index: int, cause: RowRefused) -> None:
        super().__init__(cause.reason)
        self.index = index
        self.cause = cause


def subject_of(rule: EventRule, column: Column) -> Text | None:
    if rule.subject is None:
        return None
    value = rule.subject.id or rule.subject.email
    return text_of(value, column) if value is not None else None


def joined(names: Sequence[str], column: Column) -> Callable[[Row], str]:
    places = [column(name) for name in names]
    if len(places) == 1:
        only = places[0]
        return lambda row: row[only].strip()
    # Cells with a slash of their own are told apart: ("a/b", "c") is not ("a", "b/c").
    return lambda row: "/".join([row[place].strip().replace("\\", "\\\\").replace("/", "\\/") for place in places])


def constant(name: str, value: str) -> Part:
    def put(_: Sequence[Row], body: Body) -> None:
        body[name] = value

    return put


def customer_part(rule: EventRule, system: str, column: Column) -> Part:
    text = subject_of(rule, column)
    assert text is not None and rule.subject is not None, "only rules with a subject come here"
    by_email = rule.subject.email is not None
    once = rule.kind.once_per_subject

    def put(rows: Sequence[Row], body: Body) -> None:
        name = text(rows[0])
        if name is None:
            raise RowRefused("missing_value", "subject")
        if len(name) > CODE_LENGTH_MAX:
            raise RowRefused("too_long", "subject")
        if not once and len(rows) > 1:
            for index, row in enumerate(rows):
                if text(row) != name:
                    raise BadRow(index, RowRefused("other_customer_in_group", "subject"))
        body["customer"] = {"email": name} if by_email else {"system": system, "external_id": name}

    return put


def external_part(key: Callable[[Row], str], system: str, suffix: str) -> Part:
    def put(rows: Sequence[Row], body: Body) -> None:
        name = key(rows[0])
        if not name:
            raise RowRefused("missing_value", "key")
        body["external"] = {"system": system, "id": checked_code(name + suffix, "key")}

    return put


def reference_part(name: str, text: Text, system: str) -> Part:
    def put(rows: Sequence[Row], body: Body) -> None:
        if found := text(rows[0]):
            body[name] = {"system": system, "id": checked_code(found, name)}
        elif name == "case":
            raise RowRefused("missing_value", name)

    return put


def time_part(rule: EventRule, mapping: FileMapping, column: Column) -> Part:
    read = time_of(rule.time, mapping.zone, column)

    def put(rows: Sequence[Row], body: Body) -> None:
        if len(rows) == 1:
            body["at"] = read(rows[0])
            return
        body["at"] = min(_each(rows, read))

    return put


def _each(rows: Sequence[Row], read: Callable[[Row], object]) -> list[object]:
    index = 0
    found: list[object] = []
    try:
        for index, row in enumerate(rows):
            found.append(read(row))
    except RowRefused as cause:
        raise BadRow(index, cause) from cause
    return found


def field_part(name: str, value: Value, member: Member, column: Column, system: str) -> Part:
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


def items_part(rule: EventRule, column: Column) -> list[Part]:
    total_name = TOTAL_OF[rule.type]
    parts: list[Part] = []
    totals = number_of(rule.items["line_total"], column, "items.line_total") if rule.items else None
    if rule.items is not None and totals is not None:
        parts.append(_item_list(rule.items, totals, column, None if total_name in rule.fields else total_name))
    return parts


def _item_list(items: Mapping[str, Value], total: Numeric, column: Column, total_name: str | None) -> Part:
    texts = [(name, text_of(value, column)) for name, value in items.items() if name not in ITEM_NUMBERS]
    numbers = [
        (name, number_of(value, column, f"items.{name}"))
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
        for name, number in numbers:
            if (value := number(row)) is not None:
                item[name] = format(value, "f")
        amount = total(row)
        if amount is None or "qty" not in item:
            raise RowRefused("missing_value", "items.qty" if amount is not None else "items.line_total")
        item["line_total"] = format(amount, "f")
        return item, amount

    def put(rows: Sequence[Row], body: Body) -> None:
        listed: list[Body] = []
        added = Decimal(0)
        index = 0
        try:
            for index, row in enumerate(rows):
                item, amount = read(row)
                listed.append(item)
                added = EXACT.add(added, amount)
        except RowRefused as cause:
            raise BadRow(index, cause) from cause
        body["items"] = listed
        if total_name is not None:
            if total_name == "amount" and added < 0:
                raise RowRefused("negative_amount", total_name)
            body[total_name] = format(added, "f")

    return put


def attributes_part(values: Mapping[str, Value], column: Column) -> Part:
    reads = [(name, text_of(value, column), value.kind) for name, value in values.items()]

    def put(rows: Sequence[Row], body: Body) -> None:
        first = rows[0]
        found: dict[str, object] = {}
        for name, text, kind in reads:
            value = text(first)
            if value is None:
                continue
            place = f"attributes.{name}"
            if kind == "text":
                found[name] = checked_code(value, place)
            elif kind == "integer":
                found[name] = to_integer(value, place)
            else:
                found[name] = to_boolean(value, place)
        if found:
            body["attributes"] = found

    return put


def pii_part(rule: EventRule, column: Column) -> Part:
    reads = [(name, [text_of(value, column) for value in values]) for name, values in rule.pii.items()]
    kind = rule.kind

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
