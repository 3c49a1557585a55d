"""What was published once stays as it was: each version of each event has a file, and is readable for ever."""

from pathlib import Path
from typing import ClassVar, Literal

import jsonschema_rs
import orjson
import pytest

from rapport_events.codec import EVENTS, decode, encode, type_of
from rapport_events.contracts.base import Code, Event
from rapport_events.contracts.examples import example_of
from rapport_events.contracts.schemas import json_schema_of
from rapport_events.sealing import seal
from tests.contracts.compatibility import breaks
from tests.contracts.museum import FOLDER, faults, path_of, released
from tests.contracts.records import ACME, ANNS_KEY, EVENT_ID, written

events = pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
files = pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)


def test_nothing_breaks_with_what_was_released() -> None:
    assert released()
    assert list(faults()) == []


@files
def test_every_version_ever_published_is_read_by_the_class_of_today(path: Path) -> None:
    golden = orjson.loads(path.read_bytes())
    data = golden["example"]
    for member, plain in data.get("pii", {}).items():
        sealed = seal(orjson.dumps(plain), ANNS_KEY, tenant=ACME, event_id=EVENT_ID, pointer=f"/pii/{member}")
        data["pii"][member] = sealed

    event = decode(written(golden["type"], golden["schema"], orjson.dumps(data)), keys={ANNS_KEY.key_id: ANNS_KEY.key})

    if path == path_of(type(event)):
        assert event == example_of(type(event))


@events
def test_the_published_schema_fits_what_is_written(event: type[Event]) -> None:
    data = encode(example_of(event), tenant=ACME, event_id=EVENT_ID, key=ANNS_KEY)

    jsonschema_rs.Draft202012Validator(json_schema_of(event), validate_formats=True).validate(orjson.loads(data))


@events
def test_the_published_schema_refuses_a_member_of_another_kind(event: type[Event]) -> None:
    schema = jsonschema_rs.Draft202012Validator(json_schema_of(event))
    data = orjson.loads(encode(example_of(event), tenant=ACME, event_id=EVENT_ID, key=ANNS_KEY))

    assert not any(schema.is_valid({**data, member: None}) for member in data)


@events
def test_every_event_is_described_in_a_sentence(event: type[Event]) -> None:
    sentence = (event.__doc__ or "").strip().splitlines()[0]

    assert sentence.endswith((".", ";", ":"))
    assert json_schema_of(event)["description"].startswith(sentence)


class Noted(Event, frozen=True):
    """Something was noted."""

    type: Literal["crm.thing.noted.v1"] = "crm.thing.noted.v1"
    about: Code
    tone: Literal["kind", "harsh"] | None = None


class NotedSince(Event, frozen=True):
    """Something was noted, in other words."""

    schema_version: ClassVar[str] = "1.1"
    type: Literal["crm.thing.noted.v1"] = "crm.thing.noted.v1"
    about: Code
    tone: Literal["kind", "harsh"] | None = None
    place: Code | None = None


class NotedOtherwise(Event, frozen=True):
    """Something was noted in a way that readers of the first version do not understand."""

    type: Literal["crm.thing.noted.v1"] = "crm.thing.noted.v1"
    tone: Literal["kind", "harsh", "absent"] | None = None
    place: Code


def test_a_version_may_add_an_optional_member() -> None:
    assert type_of(Noted) == type_of(NotedSince)
    assert breaks(json_schema_of(Noted), json_schema_of(NotedSince)) == []


def test_a_version_may_not_drop_widen_or_demand_a_member() -> None:
    found = breaks(json_schema_of(Noted), json_schema_of(NotedOtherwise))

    assert [each.partition(":")[0] for each in found] == [
        "data.about is gone, but old readers look for it",
        "data.tone can be absent now, which old readers refuse",
        "data.place is new and is required now, but recorded events lack it",
    ]
