"""Whether readers and writers of two versions of one major understand each other, either way round."""

from collections.abc import Iterator, Sequence
from typing import cast

from pydantic import JsonValue

Schema = dict[str, JsonValue]

# What only explains a value; everything else restricts it.
_WORDS = {"description", "examples", "title"}
_OTHER_MAJOR = "publish the next major, with an upcast in upcasts.py"


def breaks(old: Schema, new: Schema) -> list[str]:
    """
    Return what breaks between two JSON Schemas of an event: each with its place, and what to do instead.

    A new version may add optional members, and say things in other words. It may not drop, rename or retype a member,
    nor allow more or less for one: old readers meet new events, and new readers old ones.
    """
    return list(_compare(_whole(old), _whole(new), "data"))


def says_the_same(old: Schema, new: Schema) -> bool:
    """Say whether two schemas differ in nothing but words."""
    return _bare(_whole(old)) == _bare(_whole(new))


def _bare(part: JsonValue, *, is_members: bool = False) -> JsonValue:
    """Leave out what only explains; a member may be called `title` all the same."""
    if isinstance(part, list):
        return [_bare(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        name: _bare(value, is_members=name == "properties" and not is_members)
        for name, value in part.items()
        if is_members or name not in _WORDS
    }


def _whole(schema: Schema) -> Schema:
    """Put every definition in the place of its reference."""
    definitions = _object(schema.get("$defs", {}))

    def resolve(part: JsonValue) -> JsonValue:
        if isinstance(part, list):
            return [resolve(item) for item in part]
        if not isinstance(part, dict):
            return part
        reference = part.get("$ref")
        if isinstance(reference, str):
            return resolve(definitions[reference.rpartition("/")[2]])
        return {name: resolve(value) for name, value in part.items()}

    return _object(resolve({name: value for name, value in schema.items() if name != "$defs"}))


def _compare(old: JsonValue, new: JsonValue, place: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _compare_objects(old, new, place)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and isinstance(old[0], dict):
        for number, (left, right) in enumerate(zip(old, new, strict=True)):
            yield from _compare(left, right, f"{place}[{number}]")
    elif old != new:
        yield _changed(place, old, new)


def _changed(place: str, old: JsonValue, new: JsonValue) -> str:
    where, _, word = place.rpartition("#")
    if word == "enum" and isinstance(old, list) and isinstance(new, list):
        return _values(where, cast("Sequence[str]", old), cast("Sequence[str]", new))
    said = f"{where} had {word} {_shown(old)} and has {_shown(new)}: "
    return f"{said}leave it as it is, and add an optional member with another name, or {_OTHER_MAJOR}"


def _shown(value: JsonValue) -> str:
    return "none" if value is None else str(value)


def _values(where: str, old: Sequence[str], new: Sequence[str]) -> str:
    gone, come = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    if gone:
        return (
            f"{where} can no longer be {' or '.join(gone)}, which stands in recorded events: "
            f"keep the value and write it no more, or {_OTHER_MAJOR}"
        )
    if come:
        return (
            f"{where} can be {' or '.join(come)} now, which old readers refuse: "
            f"add an optional member that says more, or {_OTHER_MAJOR}"
        )
    return f"{where} has its values in another order: put them back as they were"


def _compare_objects(old: Schema, new: Schema, place: str) -> Iterator[str]:
    for name in sorted((old.keys() | new.keys()) - _WORDS):
        if name == "properties":
            yield from _compare_members(_object(old.get(name, {})), _object(new.get(name, {})), place)
        elif name == "required":
            yield from _compare_demands(old, new, place)
        else:
            yield from _compare(old.get(name), new.get(name), f"{place}#{name}")


def _compare_demands(old: Schema, new: Schema, place: str) -> Iterator[str]:
    before, after = _names(old.get("required")), _names(new.get("required"))
    known, kept = _object(old.get("properties", {})), _object(new.get("properties", {}))
    for member in sorted(after - before):
        what = "was optional" if member in known else "is new"
        yield (
            f"{place}.{member} {what} and is required now, but recorded events lack it: "
            f"make it optional (`| None = None`), or {_OTHER_MAJOR}"
        )
    for member in sorted(before & kept.keys() - after):
        yield (
            f"{place}.{member} is no longer required, but old readers count on it: "
            f"go on writing it always, or {_OTHER_MAJOR}"
        )


def _compare_members(old: Schema, new: Schema, place: str) -> Iterator[str]:
    for name, schema in old.items():
        if name not in new:
            yield f"{place}.{name} is gone, but old readers look for it: keep it, or {_OTHER_MAJOR}"
        else:
            yield from _compare(schema, new[name], f"{place}.{name}")


def _object(value: JsonValue) -> Schema:
    assert isinstance(value, dict)
    return value


def _names(value: JsonValue) -> set[str]:
    return {str(name) for name in value} if isinstance(value, list) else set()
