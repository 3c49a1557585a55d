"""The OpenAPI document tells of commands as if FastAPI had made their routes."""

from typing import Any

import pytest

from tests.chassis.conftest import Shop


@pytest.fixture
async def document(shop: Shop) -> Any:
    return (await shop.client.get("/openapi.json")).json()


def test_a_command_has_its_body_answers_and_errors(document: Any) -> None:
    operation = document["paths"]["/v1/purchases"]["post"]

    assert operation["operationId"] == "record_purchase"
    assert operation["summary"] == "Somebody bought something."
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/RecordPurchase"
    }
    assert set(operation["responses"]) == {"200", "201", "401", "403", "404", "409", "412", "413", "422", "503"}
    assert "Location" in operation["responses"]["201"]["headers"]
    assert {"Idempotency-Key", "If-Match"} <= {each["name"] for each in operation["parameters"]}


def test_a_member_that_the_route_names_is_not_in_the_body(document: Any) -> None:
    operation = document["paths"]["/v1/purchases/{purchase}/refund"]["post"]

    assert {"name": "purchase", "in": "path", "required": True, "schema": {"type": "string"}} in operation["parameters"]
    assert "purchase" not in document["components"]["schemas"]["RefundPurchase"]["properties"]


def test_a_command_that_needs_if_match_says_so(document: Any) -> None:
    operation = document["paths"]["/v1/purchases/{purchase}/withdraw"]["post"]

    assert "428" in operation["responses"]
    assert {each["name"]: each["required"] for each in operation["parameters"]}["If-Match"]


def test_every_reference_leads_somewhere(document: Any) -> None:
    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if "$ref" in part else []
            return own + [each for value in part.values() for each in references(value)]
        return [each for value in part for each in references(value)] if isinstance(part, list) else []

    found = references(document)

    assert found
    for reference in found:
        assert reference.rpartition("/")[2] in document["components"]["schemas"], reference


def test_every_error_is_a_documented_problem(document: Any) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if status >= "400":
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)


def test_operations_have_stable_names(document: Any) -> None:
    names = [operation["operationId"] for each in document["paths"].values() for operation in each.values()]

    assert len(names) == len(set(names))
    assert {"commands_batch", "get_ledger", "resend", "get_event", "get_readers"} <= set(names)
