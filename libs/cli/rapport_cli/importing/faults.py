"""Say where a mapping is wrong and what would be right."""

import difflib
from collections.abc import Iterable, Iterator
from typing import cast, get_args

from pydantic import BaseModel, ValidationError

FORMS = {
    "currency": "three capital letters, such as 'EUR'",
    "delimiter": "one of , ; | and the tabulator",
    "name": "small letters, digits and _, beginning with a letter, such as 'web_shop'",
    "reason": "small letters, digits and _, beginning with a letter, such as 'no_customer'",
}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint at the nearest known name, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def describe(error: ValidationError, table: dict[str, object], model: type[BaseModel]) -> Iterator[str]:
    """Yield one sentence for each fault that pydantic found in a mapping."""
    for fault in error.errors(include_url=False):
        place = _place(fault["loc"], table)
        match fault["type"]:
            case "missing":
                yield f"{place} is missing"
            case "extra_forbidden":
                known = _siblings(model, fault["loc"])
                possible = f"; possible: {', '.join(known)}" if known else ""
                yield f"{place} is not known{nearest(str(fault['loc'][-1]), known)}{possible}"
            case "string_pattern_mismatch" if fault["loc"][-1] in FORMS:
                yield f"{place}: {fault['input']!r} is not possible; write {FORMS[str(fault['loc'][-1])]}"
            case _:
                message = fault["msg"].removeprefix("Value error, ")
                yield f"{place}: {message}" if place else message


def _place(loc: tuple[int | str, ...], table: dict[str, object]) -> str:
    """Write `('event', 1, 'items', 'qty')` as `event 2 (customer.purchased): items.qty`."""
    parts: list[str] = []
    rest = list(loc)
    prefix = ""
    match rest:
        case ["event" | "skip" as part, int(index), *inside]:
            entries = cast("list[dict[str, object]]", table[part])
            label = entries[index].get("type" if part == "event" else "reason")
            prefix = f"{part} {index + 1}" + (f" ({label})" if label else "") + (": " if inside else "")
            rest = inside
        case _:
            pass
    for step in rest:
        if isinstance(step, int):
            parts.append(f"[{step + 1}]")
        else:
            parts.append(f".{step}" if parts else step)
    return prefix + "".join(parts)


def _siblings(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Return the members that are possible where an unknown one was found, as far as the models tell."""
    found: type[BaseModel] | None = model
    for step in loc[:-1]:
        if isinstance(step, int) or found is None:
            continue
        field = next((field for name, field in found.model_fields.items() if (field.alias or name) == step), None)
        found = _model_in(field.annotation) if field is not None else found
    return [field.alias or name for name, field in found.model_fields.items()] if found is not None else []


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Find the model inside `tuple[Model, ...]`, `Model | None`, `dict[str, Model]` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    models = (_model_in(part) for part in reversed(get_args(annotation)))
    return next((model for model in models if model is not None), None)
