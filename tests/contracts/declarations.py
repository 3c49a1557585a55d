"""Finds strings that an event shows to everybody without saying why they identify nobody."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from types import NoneType
from typing import Annotated, Literal, NewType, TypeGuard, get_args, get_origin
from uuid import UUID

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from rapport_events.contracts.base import Declared, Event, PersonalField, Pii

# Numbers, ids of ours and times say nothing about whom they belong to. A float is none of them: money is exact.
_READABLE = {UUID, int, bool, Decimal, datetime, date, AwareDatetime, NoneType}


def undeclared(event: type[Event]) -> list[str]:
    """Return every place of an event that is neither declared readable nor a sealed member of `pii`."""
    return [place for name, field in event.model_fields.items() for place in _field(event.__name__, name, field)]


def _field(owner: str, name: str, field: FieldInfo) -> Iterator[str]:
    place = f"{owner}.{name}"
    personal = [part for part in _alternatives(field.annotation) if _is_model(part) and issubclass(part, Pii)]
    if name == "pii":
        if len(personal) != 1 or set(_alternatives(field.annotation)) - {personal[0], NoneType}:
            yield f"{place}: is a Pii, or absent"
        for part in personal:
            yield from _members(part)
    elif any(isinstance(mark, Declared) for mark in field.metadata):
        return
    else:
        yield from _value(place, field.annotation)


def _members(pii: type[BaseModel]) -> Iterator[str]:
    """Every member of `pii` is sealed, so that nothing in it needs a declaration."""
    for name, field in pii.model_fields.items():
        marks = [mark for part in _annotated(field.annotation) for mark in get_args(part)[1:]]
        if not any(isinstance(mark, PersonalField) for mark in [*field.metadata, *marks]):
            yield f"{pii.__name__}.{name}: is Personal[...]"


def _value(place: str, annotation: object) -> Iterator[str]:
    if isinstance(annotation, NewType):
        yield from _value(place, annotation.__supertype__)
    elif get_origin(annotation) is Annotated:
        yield from _marked(place, *get_args(annotation))
    elif _is_model(annotation):
        yield from _part(place, annotation)
    elif annotation is str:
        yield f"{place}: a string says why it identifies nobody, or stands in pii"
    elif annotation not in _READABLE and get_origin(annotation) is not Literal:
        arguments = [argument for argument in get_args(annotation) if argument is not Ellipsis]
        if not arguments:
            yield f"{place}: {annotation} cannot be judged"
        for argument in arguments:
            yield from _value(place, argument)


def _marked(place: str, annotation: object, *marks: object) -> Iterator[str]:
    if any(isinstance(mark, PersonalField) for mark in marks):
        yield f"{place}: a personal value stands in pii alone"
    elif not any(isinstance(mark, Declared) for mark in marks):
        yield from _value(place, annotation)


def _part(place: str, part: type[BaseModel]) -> Iterator[str]:
    if issubclass(part, Pii):
        yield f"{place}: a Pii is the member `pii` of an event"
    for name, field in part.model_fields.items():
        yield from _field(part.__name__, name, field)


def _alternatives(annotation: object) -> Iterator[object]:
    if get_origin(annotation) is not Annotated and not _is_model(annotation) and get_args(annotation):
        for part in get_args(annotation):
            yield from _alternatives(part)
    else:
        yield annotation


def _annotated(annotation: object) -> Iterator[object]:
    return (part for part in _alternatives(annotation) if get_origin(part) is Annotated)


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
