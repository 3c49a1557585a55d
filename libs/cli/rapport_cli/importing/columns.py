"""Find the columns that a mapping reads, and those that it does not."""

from collections.abc import Iterator, Sequence

from rapport_cli.importing.cells import Column
from rapport_cli.importing.faults import nearest
from rapport_cli.importing.mapping import EventRule, Mapping, MappingRefused, Value


def columns_of(mapping: Mapping, header: Sequence[str]) -> Column:
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


def unused(mapping: Mapping, header: Sequence[str]) -> list[str]:
    """Return the columns that the mapping does not read."""
    needed = {name for name, _ in _needed(mapping)}
    return [name for name in header if name not in needed]


def _needed(mapping: Mapping) -> Iterator[tuple[str, str]]:
    """Yield the columns that a mapping reads, each with its place there."""
    for number, skip in enumerate(mapping.skip, 1):
        for test in skip.when:
            yield test.column, f"skip {number} ({skip.reason})"
    for number, rule in enumerate(mapping.event, 1):
        place = f"event {number} ({rule.type})"
        for test in rule.when:
            yield test.column, f"{place}: when"
        for name in rule.group_by:
            yield name, f"{place}: group_by"
        for name in rule.key:
            yield name, f"{place}: key"
        yield rule.time.column, f"{place}: time"
        for where, value in _values(rule):
            for name in value.columns:
                yield name, f"{place}: {where}"


def _values(rule: EventRule) -> Iterator[tuple[str, Value]]:
    if rule.subject is not None:
        for name, value in (("subject", rule.subject.id), ("subject.email", rule.subject.email)):
            if value is not None:
                yield name, value
    for part, values in (("fields", rule.fields), ("items", rule.items or {}), ("attributes", rule.attributes)):
        for name, value in values.items():
            yield f"{part}.{name}", value
    for name, several in rule.pii.items():
        for value in several:
            yield f"pii.{name}", value
