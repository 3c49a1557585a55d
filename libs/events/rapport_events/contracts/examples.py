"""One example of each event, worked out from its contract: for the catalogue of events, golden files and tests."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Literal, NewType, TypeGuard, TypeVar, cast, get_args, get_origin
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from rapport_events.contracts.base import Event

E = TypeVar("E", bound=Event)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def example_of(event: type[E]) -> E:
    """
    Return an example in which every field has a value; the same one each time.

    A field shows the first of its `examples`, or of its type's; without one its own name, noon on 2 March 2026, and so
    on. Ids are computed from the field's name.
    """
    return cast("E", _model(event))


def _model(model: type[BaseModel]) -> BaseModel:
    values = {
        name: field.get_default() if name == "type" else _field(name, field)
        for name, field in model.model_fields.items()
    }
    return model.model_validate(values)


def _field(name: str, field: FieldInfo) -> object:
    return field.examples[0] if field.examples else _value(name, field.annotation)


def _value(name: str, annotation: object) -> object:
    if isinstance(annotation, NewType):
        return _value(name, annotation.__supertype__)
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if annotation is str:
        return name
    if annotation is UUID:
        return uuid5(NAMESPACE_URL, name)
    return _model(annotation) if _is_model(annotation) else _inside(name, annotation)


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


_PLAIN: Mapping[object, object] = {
    bool: True,
    int: 3,
    Decimal: Decimal("0.75"),
    AwareDatetime: NOON,
    date: NOON.date(),
}


def _inside(name: str, annotation: object) -> object:
    """Return an example of a generic type: of its first argument, which for a union is the value where there is one."""
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        given = [part.examples[0] for part in arguments[1:] if isinstance(part, FieldInfo) and part.examples]
        return given[0] if given else _value(name, arguments[0])
    if origin is Literal:
        return cast("object", arguments[0])
    if origin is tuple:
        return (_value(name, arguments[0]),)
    if origin is dict:
        return {_value(name, arguments[0]): _value(name, arguments[1])}
    if arguments:
        return _value(name, arguments[0])
    msg = f"{name}: no example can be made of {annotation}"
    raise TypeError(msg)
