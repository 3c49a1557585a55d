"""The documents in docs/api say what the code does."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import orjson
import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema

from rapport_events.contracts import asyncapi
from rapport_events.contracts.examples import example_of
from rapport_events.envelope import Meta, to_headers
from rapport_events.testing import recorded
from rapport_events.vocabulary import EVENTS, RELEASED, type_of
from tests.documents.regenerate import FOLDER, documents

SERVICES = [service for service, events in RELEASED.published.items() if events]


def test_the_documents_are_current() -> None:
    """`make docs` writes them; a reviewer then sees what changes for others."""
    made = documents()
    stale = [path.name for path, content in made.items() if not path.exists() or path.read_bytes() != content]
    stale += [path.name for path in FOLDER.rglob("*.json") if path not in made]
    assert stale == []


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_publishes_is_asyncapi_and_every_reference_leads_somewhere(service: str) -> None:
    document = asyncapi.document(service)
    ApplicationSchema.model_validate(document)
    assert set(document["components"]["messages"]) == {type_of(event) for event in RELEASED.published[service]}
    for reference in references(document):
        place: object = document
        for step in reference.removeprefix("#/").split("/"):
            place = cast("dict[str, object]", place)[step]


def test_the_documented_headers_are_those_that_records_have() -> None:
    name = "crm.import.started.v1"
    event = recorded(example_of(EVENTS[name]), stream="import-01920000-0000-7000-8000-000000000000", position=1)
    meta = Meta("ann", "1", causation_id="2", traceparent="00-1-2-01", claims=("fact:00",), command_key="00.00")
    written = [name for name, _ in to_headers(replace(event, meta=meta))]
    assert sorted(written) == sorted(asyncapi.HEADERS)
    least = {name for name, _ in to_headers(replace(event, meta=Meta("ann", "1")))}
    document = orjson.loads(orjson.dumps(asyncapi.document("workflow")))
    assert least == set(document["components"]["schemas"]["envelope"]["required"])


def references(part: object) -> Iterator[str]:
    """Yield every `$ref` in a document."""
    if isinstance(part, dict):
        for name, value in cast("dict[str, object]", part).items():
            if name == "$ref":
                yield str(value)
            else:
                yield from references(value)
    elif isinstance(part, list):
        for item in cast("list[object]", part):
            yield from references(item)
