"""Turn what a mapping says about cells into functions of a row: compiled once, called for every row."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal
from operator import ge, itemgetter, lt
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from rapport_cli.importing.kinds import Member
from rapport_cli.importing.mapping import Condition, Time, Value
from rapport_cli.importing.rows import Row

T = TypeVar("T")

Text = Callable[[Row], str | None]
Numeric = Callable[[Row], Decimal | None]
Test = Callable[[Row], bool]
Column = Callable[[str], int]
"""Place of a column by its name."""

CODE_LENGTH_MAX: Final = 200
EXACT: Final = Context(prec=80)
"""More digits than a product or a sum of cells can have: nothing is ever rounded."""
_REMEMBERED_MAX: Final = 65_536
_ZERO: Final = Decimal(0)
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,10})?", re.ASCII)
_CURRENCY = re.compile("[A-Z]{3}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TRUE = {"true", "yes", "1", "t", "y"}
_FALSE = {"false", "no", "0", "f", "n"}


class RowRefused(Exception):
    """A row cannot become what its mapping says; the reason is a code, the place names the column or the field."""

    def __init__(self, reason: str, place: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place


def remembered(read: Callable[[Row], T], places: Sequence[int]) -> Callable[[Row], T]:
    """Remember what was read from the same cells before: in a file few texts fill many cells."""
    cells = itemgetter(*places)
    known: dict[object, T] = {}

    def look(row: Row) -> T:
        key = cells(row)
        try:
            return known[key]
        except KeyError:
            pass
        found = read(row)
        if len(known) >= _REMEMBERED_MAX:
            known.clear()
        known[key] = found
        return found

    return look


def figure_of(value: Value, column: Column, place: str) -> Callable[[Row], tuple[Decimal, str] | None]:
    """Return the function that reads an exact number together with its text, in digits."""
    number = number_of(value, column, place)

    def read(row: Row) -> tuple[Decimal, str] | None:
        found = number(row)
        return None if found is None else (found, format(found, "f"))

    return remembered(read, [column(name) for name in value.columns]) if value.columns else read


def text_of(value: Value, column: Column) -> Text:
    """Return the function that reads a value as text; no text is None."""
    if value.value is not None:
        constant = str(value.value).lower() if isinstance(value.value, bool) else str(value.value)
        return lambda _: constant
    if value.product is not None:
        number = number_of(value, column, "product")
        return lambda row: None if (found := number(row)) is None else format(found, "f")
    name = value.columns[0]
    place = column(name)
    omit, mapped, default = frozenset(value.omit), value.map, value.default
    if mapped is None and not omit:
        if default is None:
            return lambda row: row[place].strip() or None
        return lambda row: row[place].strip() or default

    def read(row: Row) -> str | None:
        text = row[place].strip()
        if text in omit:
            return None
        if mapped is None:
            return text or default
        if (found := mapped.get(text, default)) is not None:
            return found
        if not text:
            return None
        raise RowRefused("unknown_value", name)

    return read


def number_of(value: Value, column: Column, place: str) -> Numeric:
    """Return the function that reads a value as an exact number; `place` is its name where no column is."""
    if value.product is not None:
        left, right = (_cell_number(column(name), name) for name in value.product)

        def multiply(row: Row) -> Decimal | None:
            a, b = left(row), right(row)
            return None if a is None or b is None else EXACT.multiply(a, b)

        return _negated(multiply) if value.negate else multiply
    if value.column is not None and value.map is None and value.default is None and not value.omit:
        cell = _cell_number(column(value.column), value.column)
        return _negated(cell) if value.negate else cell
    text, name = text_of(value, column), value.column or place

    def read(row: Row) -> Decimal | None:
        found = text(row)
        return None if found is None else _number(found, name)

    return _negated(read) if value.negate else read


def _cell_number(place: int, name: str) -> Numeric:
    return remembered(lambda row: _number(row[place].strip(), name), [place])


def _number(text: str, name: str) -> Decimal | None:
    if text and not _NUMBER.fullmatch(text):
        raise RowRefused("not_a_number", name)
    return Decimal(text) if text else None


def _negated(number: Numeric) -> Numeric:
    def read(row: Row) -> Decimal | None:
        found = number(row)
        return None if found is None else EXACT.subtract(_ZERO, found)

    return read


def time_of(time: Time, zone: str, column: Column) -> Callable[[Row], str]:
    """Return the function that reads a moment as ISO text in UTC; such texts sort as the moments do."""
    place, form = column(time.column), time.format
    local = ZoneInfo(time.zone or zone)

    def read(row: Row) -> str:
        text = row[place].strip()
        if not text:
            raise RowRefused("missing_value", time.column)
        try:
            moment = datetime.fromisoformat(text) if form is None else datetime.strptime(text, form)  # noqa: DTZ007  # the zone follows
            return (moment if moment.tzinfo else moment.replace(tzinfo=local)).astimezone(UTC).isoformat()
        except (ValueError, OverflowError) as error:
            raise RowRefused("not_a_time", time.column) from error

    return remembered(read, [place])


def test_of(conditions: Sequence[Condition], column: Column) -> Test | None:
    """Return the function that says whether all conditions hold; None where there are none."""
    tests = [_one_test(condition, column) for condition in conditions]
    if len(tests) <= 1:
        return tests[0] if tests else None
    return lambda row: all(test(row) for test in tests)


def _one_test(condition: Condition, column: Column) -> Test:
    place = column(condition.column)
    if condition.empty is not None:
        wanted = condition.empty
        return lambda row: (not row[place].strip()) is wanted
    for texts, is_wanted in ((condition.is_, True), (condition.is_not, False)):
        if texts is not None:
            return _is_among(place, frozenset(texts), is_wanted=is_wanted)
    for texts, is_wanted in ((condition.starts_with, True), (condition.not_starts_with, False)):
        if texts is not None:
            return _begins(place, texts, is_wanted=is_wanted)
    number = _cell_number(place, condition.column)
    limit = Decimal(condition.below or condition.at_least or "0")
    compare = lt if condition.below is not None else ge

    def compares(row: Row) -> bool:
        found = number(row)
        return found is not None and compare(found, limit)

    return compares


def _is_among(place: int, texts: frozenset[str], *, is_wanted: bool) -> Test:
    if is_wanted:
        return lambda row: row[place].strip() in texts
    return lambda row: row[place].strip() not in texts


def _begins(place: int, texts: tuple[str, ...], *, is_wanted: bool) -> Test:
    if is_wanted:
        return lambda row: row[place].strip().startswith(texts)
    return lambda row: not row[place].strip().startswith(texts)


def check(text: str, member: Member, place: str) -> str | bool:
    """
    Return a field's text as its command takes it.

    Raises:
        RowRefused: It is not what the field must be.
    """
    match member.check:
        case "choice":
            if text not in member.choices:
                raise RowRefused("unknown_value", place)
        case "currency":
            if not _CURRENCY.fullmatch(text):
                raise RowRefused("not_a_currency", place)
        case "boolean":
            return to_boolean(text, place)
        case _:
            return checked_code(text, place)
    return text


def checked_code(text: str, place: str) -> str:
    """Return a code or a reference: 1 to 200 characters without controls."""
    if len(text) > CODE_LENGTH_MAX:
        raise RowRefused("too_long", place)
    if not text.isprintable() and _CONTROL.search(text):
        raise RowRefused("control_character", place)
    return text


def to_boolean(text: str, place: str) -> bool:
    """Read yes and no."""
    lower = text.lower()
    if lower in _TRUE:
        return True
    if lower in _FALSE:
        return False
    raise RowRefused("not_yes_or_no", place)


def to_integer(text: str, place: str) -> int:
    """Read a whole number that every reader of JSON can hold."""
    if not _NUMBER.fullmatch(text) or "." in text or abs(int(text)) >= 2**53:
        raise RowRefused("not_a_whole_number", place)
    return int(text)
