"""The OpenAPI document tells of commands as if FastAPI had made their routes."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from tests.chassis.conftest import Shop

Document = dict[str, Any]


@pytest.fixture
async def document(shop: Shop) -> Document:
    return dict((await shop.client.get("/openapi.json")).json())


def test_a_command_has_its_body_answers_and_errors(document: Document) -> None:
    operation = document["paths"]["/v1/purchases"]["post"]

    assert operation["operationId"] == "record_purchase"
    assert operation["summary"] == "Somebody bought something."
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/RecordPurchase"
    }
    assert set(operation["responses"]) == {"200", "201", "401", "403", "404", "409", "412", "413", "422", "503"}
    assert "Location" in operation["responses"]["201"]["headers"]
    assert {"Idempotency-Key", "If-Match"} <= {each["name"] for each in operation["parameters"]}


def test_a_member_that_the_route_names_is_not_in_the_body(document: Document) -> None:
    operation = document["paths"]["/v1/purchases/{purchase}/refund"]["post"]

    assert {"name": "purchase", "in": "path", "required": True, "schema": {"type": "string"}} in operation["parameters"]
    assert "purchase" not in document["components"]["schemas"]["RefundPurchase"]["properties"]


def test_a_command_that_needs_if_match_says_so(document: Document) -> None:
    operation = document["paths"]["/v1/purchases/{purchase}/withdraw"]["post"]

    assert "428" in operation["responses"]
    assert {each["name"]: each["required"] for each in operation["parameters"]}["If-Match"]


def test_every_reference_leads_somewhere(document: Document) -> None:
    def references(part: object) -> Iterator[str]:
        if isinstance(part, dict):
            members = cast("dict[str, object]", part)
            if "$ref" in members:
                yield str(members["$ref"])
            for value in members.values():
                yield from references(value)
        elif isinstance(part, list):
            for value in cast("list[object]", part):
                yield from references(value)

    found = list(references(document))

    assert found
    for reference in found:
        assert reference.rpartition("/")[2] in document["components"]["schemas"], reference


def test_every_error_is_a_documented_problem(document: Document) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if status >= "400":
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)


def test_operations_have_stable_names(document: Document) -> None:
    names = [operation["operationId"] for each in document["paths"].values() for operation in each.values()]

    assert len(names) == len(set(names))
    assert {"commands_batch", "get_ledger", "resend", "get_event", "get_readers"} <= set(names)
