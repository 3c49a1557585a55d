"""A string is personal unless its contract says that it is an id, a code, an enum, a number or a time, and why."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from rapport_events.codec import EVENTS
from rapport_events.contracts.base import Code, Declared, Event, Personal, Pii, Value
from tests.contracts.declarations import undeclared


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_every_string_of_an_event_is_declared_or_sealed(event: type[Event]) -> None:
    assert undeclared(event) == []


class BadPii(Pii, frozen=True):
    """A member that would stand open on the wire."""

    sealed: Personal[str] | None = None
    open: str | None = None


class BadPart(Value, frozen=True):
    """A part with a string of its own, and personal values out of their place."""

    code: Code
    nickname: str
    misplaced: Personal[str] | None = None
    hidden: BadPii | None = None


class BadEvent(Event, frozen=True):
    """All that a contract must not do."""

    type: Literal["crm.bad.done.v1"] = "crm.bad.done.v1"
    name: str
    maybe: str | None = None
    bounded: Annotated[str, Field(max_length=3)]
    many: tuple[str, ...]
    keyed: dict[str, int]
    deep: dict[Code, tuple[BadPart, ...]]
    price: float
    blob: bytes
    anything: Any
    pii: BadPii | None = None


class GoodEvent(Event, frozen=True):
    """A contract that says everything."""

    type: Literal["crm.good.done.v1"] = "crm.good.done.v1"
    code: Code
    codes: dict[Code, Code | int] | None = None
    colour: Literal["red", "green"] | None = None
    inline: Annotated[str, Declared("enum", "one of three")]


def test_whatever_is_neither_declared_nor_sealed_is_found() -> None:
    assert [finding.partition(":")[0] for finding in undeclared(BadEvent)] == [
        "BadEvent.name",
        "BadEvent.maybe",
        "BadEvent.bounded",
        "BadEvent.many",
        "BadEvent.keyed",
        "BadPart.nickname",
        "BadPart.misplaced",
        "BadPart.hidden",
        "BadPii.sealed",
        "BadPii.open",
        "BadEvent.price",
        "BadEvent.blob",
        "BadEvent.anything",
        "BadPii.open",
    ]


def test_a_contract_that_says_everything_has_no_findings() -> None:
    assert undeclared(GoodEvent) == []


class OpenPii(Event, frozen=True):
    """Its pii is no Pii."""

    type: Literal["crm.bad.shown.v1"] = "crm.bad.shown.v1"
    pii: BadPart | None = None


def test_a_pii_that_is_not_sealed_is_found() -> None:
    assert undeclared(OpenPii) == ["OpenPii.pii: is a Pii, or absent"]
