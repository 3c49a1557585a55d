"""Whether readers and writers of two versions of one major understand each other, either way round."""

from collections.abc import Iterator

from pydantic import JsonValue

Schema = dict[str, JsonValue]

# What only explains a value; everything else restricts it.
_WORDS = {"description", "examples", "title"}


def breaks(old: Schema, new: Schema) -> list[str]:
    """
    Return what breaks between two JSON Schemas of an event, each with its place.

    A new version may add optional members, and say things in other words. It may not drop, rename or retype a member,
    nor allow more or less for one: old readers meet new events, and new readers old ones.
    """
    return list(_compare(_whole(old), _whole(new), "data"))


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
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (left, right) in enumerate(zip(old, new, strict=True)):
            yield from _compare(left, right, f"{place}[{number}]")
    elif old != new:
        yield f"{place} was {old}, is {new}"


def _compare_objects(old: Schema, new: Schema, place: str) -> Iterator[str]:
    for name in sorted((old.keys() | new.keys()) - _WORDS):
        if name == "properties":
            yield from _compare_members(_object(old.get(name, {})), _object(new.get(name, {})), place)
        elif name == "required":
            before, after = _names(old.get(name)), _names(new.get(name))
            yield from (f"{place}.{member} is required now" for member in sorted(after - before))
            yield from (f"{place}.{member} is no longer required" for member in sorted(before - after))
        else:
            yield from _compare(old.get(name), new.get(name), f"{place}#{name}")


def _compare_members(old: Schema, new: Schema, place: str) -> Iterator[str]:
    for name, schema in old.items():
        if name not in new:
            yield f"{place}.{name} is gone"
        else:
            yield from _compare(schema, new[name], f"{place}.{name}")


def _object(value: JsonValue) -> Schema:
    assert isinstance(value, dict)
    return value


def _names(value: JsonValue) -> set[str]:
    return {str(name) for name in value} if isinstance(value, list) else set()
