"""The documents in docs/api are what their specifications say, by the schemas that these publish."""

from pathlib import Path

import jsonschema_rs
import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from rapport_events.envelope import topic_of
from rapport_events.vocabulary import RELEASED, type_of
from tests.architecture.tree import ROOT
from tests.node import install_packages

FOLDER = ROOT / "docs" / "api"
ASYNCAPI = sorted((FOLDER / "asyncapi").glob("*.json"))
OPENAPI = sorted((FOLDER / "openapi").glob("*.json"))


@pytest.fixture(scope="session")
async def asyncapi() -> jsonschema_rs.Draft7Validator:
    """Read the schema that the AsyncAPI Initiative publishes."""
    modules = await install_packages(ROOT / "examples")
    schema = modules / "@asyncapi" / "specs" / "schemas" / "3.0.0-without-$id.json"
    return jsonschema_rs.Draft7Validator(orjson.loads(schema.read_bytes()))


@pytest.mark.parametrize("path", ASYNCAPI, ids=lambda path: path.stem)
def test_a_document_is_asyncapi_3(path: Path, asyncapi: jsonschema_rs.Draft7Validator) -> None:
    document = orjson.loads(path.read_bytes())

    assert [error.message for error in asyncapi.iter_errors(document)] == []
    assert not asyncapi.is_valid({**document, "channels": {"x": {"address": 7}}}), "the schema looks at channels"


@pytest.mark.parametrize("path", OPENAPI, ids=lambda path: path.stem)
def test_a_document_is_openapi_3_1(path: Path) -> None:
    document = orjson.loads(path.read_bytes())

    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_topics_and_types_are_the_same_in_code_and_documents() -> None:
    """What the brokers hold is made from the same names (`apply_topics`)."""
    told = {path.stem: orjson.loads(path.read_bytes()) for path in ASYNCAPI}
    topics = {name: document["channels"][name]["address"] for name, document in told.items()}
    types = {name: set(document["components"]["messages"]) for name, document in told.items()}

    assert topics == {service: topic_of(service) for service in RELEASED.published}
    assert types == {service: set(map(type_of, events)) for service, events in RELEASED.published.items()}
