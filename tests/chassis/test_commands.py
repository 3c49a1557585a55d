"""Commands over HTTP: what they answer, and when they are refused."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest

from rapport_chassis.entrance import BODY_BYTES_MAX
from rapport_chassis.positions import Position, read_token
from rapport_events.errors import Stale
from rapport_events.ledger import LedgerShut
from tests.chassis.conftest import Shop

PURCHASE = {"customer": {"system": "shop", "external_id": "17850"}, "total": "15.30"}


async def buy(shop: Shop, **headers: str) -> httpx.Response:
    answer = await shop.client.post("/v1/purchases", json=PURCHASE, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer


async def test_what_begins_is_created_with_a_place_a_version_and_a_position(shop: Shop) -> None:
    answer = await buy(shop)

    body = answer.json()
    (position,) = read_token(answer.headers["rapport-position"])
    assert answer.headers["location"] == f"/v1/purchases/{body['id']}"
    assert answer.headers["etag"] == '"1"'
    assert body["version"] == 1
    assert body["stream"] == f"purchase-{body['id']}"
    assert len(body["event_ids"]) == 1
    assert position == Position("interactions", 1, int(body["id"][-2:], 16), 1)


async def test_a_command_on_an_existing_thing_is_named_by_its_route(shop: Shop) -> None:
    bought = (await buy(shop)).json()

    answer = await shop.client.post(f"/v1/purchases/{bought['id']}/refund", json={"amount": "2"})

    assert answer.status_code == 200
    assert answer.json()["stream"] == bought["stream"]
    assert answer.headers["etag"] == '"2"'
    assert "location" not in answer.headers


@pytest.mark.parametrize("body", [b"", b"{}", b" { } ", b'{"amount":"2"}', b'{\n"amount":"2"\n}\n'])
async def test_the_route_fills_in_what_it_names(shop: Shop, body: bytes) -> None:
    bought = (await buy(shop)).json()

    answer = await shop.client.post(f"/v1/purchases/{bought['id']}/refund", content=body)

    assert answer.status_code == 200, answer.text


async def test_the_body_cannot_speak_of_another_thing_than_the_route(shop: Shop) -> None:
    one, other = [(await buy(shop)).json() for _ in range(2)]

    answer = await shop.client.post(f"/v1/purchases/{one['id']}/refund", json={"purchase": other["id"]})

    assert answer.json()["stream"] == one["stream"]


async def test_a_repeat_with_the_same_key_gets_the_same_answer(shop: Shop) -> None:
    first = await buy(shop, **{"Idempotency-Key": "order-1"})

    second = await buy(shop, **{"Idempotency-Key": "order-1"})

    assert second.content == first.content
    for header in ("etag", "location", "rapport-position"):
        assert second.headers[header] == first.headers[header]


async def test_one_key_from_64_clients_makes_one_event(shop: Shop) -> None:
    answers = await asyncio.gather(*(buy(shop, **{"Idempotency-Key": "order-1"}) for _ in range(64)))

    assert len({answer.content for answer in answers}) == 1
    assert sum((await shop.ledger.state()).heads) == 1


async def test_a_quoted_key_is_the_same_key(shop: Shop) -> None:
    first = await buy(shop, **{"Idempotency-Key": "order-1"})

    assert (await buy(shop, **{"Idempotency-Key": '"order-1"'})).content == first.content


async def test_a_key_used_with_another_body_is_refused(shop: Shop) -> None:
    await buy(shop, **{"Idempotency-Key": "order-1"})

    answer = await shop.client.post(
        "/v1/purchases", json={**PURCHASE, "total": "99"}, headers={"Idempotency-Key": "order-1"}
    )

    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("key", ["", "two words", "x" * 201, "täglich".encode()])
async def test_an_unusable_key_is_refused(shop: Shop, key: str) -> None:
    answer = await shop.client.post("/v1/purchases", json=PURCHASE, headers={"Idempotency-Key": key})

    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_unusable"


async def test_the_same_outside_name_is_one_fact(shop: Shop) -> None:
    named = {**PURCHASE, "external": {"system": "shop", "id": "536365"}}
    first = await shop.client.post("/v1/purchases", json=named)

    second = await shop.client.post("/v1/purchases", json=named)

    assert second.status_code == 201
    assert second.json() == first.json()


async def test_if_match_holds_at_the_version_that_was_seen(shop: Shop) -> None:
    bought = await buy(shop)
    path = f"/v1/purchases/{bought.json()['id']}/refund"

    met = await shop.client.post(path, json={}, headers={"If-Match": bought.headers["etag"]})
    unmet = await shop.client.post(path, json={}, headers={"If-Match": bought.headers["etag"]})

    assert met.status_code == 200
    assert unmet.status_code == 412
    assert unmet.json()["code"] == "version_not_met"
    assert unmet.json()["facts"] == {"expected": 1, "current": 2}


@pytest.mark.parametrize(("match", "status"), [('W/"1"', 412), ("1", 422), ('"1", "2"', 422), ('"ann"', 422)])
async def test_only_strong_etags_of_ours_can_match(shop: Shop, match: str, status: int) -> None:
    bought = (await buy(shop)).json()

    answer = await shop.client.post(f"/v1/purchases/{bought['id']}/refund", json={}, headers={"If-Match": match})

    assert answer.status_code == status


async def test_a_command_that_needs_if_match_is_refused_without_it(shop: Shop) -> None:
    bought = (await buy(shop)).json()
    path = f"/v1/purchases/{bought['id']}/withdraw"

    without = await shop.client.post(path, json={})
    with_it = await shop.client.post(path, json={}, headers={"If-Match": '"1"'})
    with_any = await shop.client.post(path, json={}, headers={"If-Match": "*"})

    assert with_any.status_code == 200
    assert without.status_code == 428
    assert without.json()["code"] == "if_match_required"
    assert with_it.status_code == 200


async def test_no_news_is_an_answer_without_events(shop: Shop) -> None:
    bought = (await buy(shop)).json()

    answer = await shop.client.post(f"/v1/purchases/{bought['id']}/refund", json={"amount": "6"})

    assert answer.status_code == 200
    assert answer.json()["event_ids"] == []
    assert answer.headers["etag"] == '"1"'


async def test_what_does_not_exist_is_missing(shop: Shop) -> None:
    answer = await shop.client.post("/v1/purchases/01920000-0000-7000-8000-000000000001/refund", json={})

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


async def test_a_refusal_shows_its_sentence_and_only_facts_that_are_nobodys(shop: Shop) -> None:
    bought = (await buy(shop)).json()
    for _ in range(2):
        await shop.client.post(f"/v1/purchases/{bought['id']}/refund", json={})

    answer = await shop.client.post(f"/v1/purchases/{bought['id']}/refund", json={})

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["correlation_id"] == answer.headers["x-correlation-id"]
    del problem["correlation_id"]
    assert problem == {
        "type": "urn:rapport:problem:already_refunded",
        "title": "Already refunded",
        "status": 409,
        "code": "already_refunded",
        "detail": "The whole purchase was refunded before.",
        "facts": {"purchase_id": bought["id"]},
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"customer": {"id": "Ann Smith"}, "total": "1"}',
        b'{"customer": {"system": "shop"}, "total": "1"}',
        b'{"customer": {"system": "shop", "external_id": "1"}, "total": "Ann Smith"}',
        b'{"customer": {"system": "shop", "external_id": "1"}, "total": "1", "Ann Smith": 1}',
        b'{"customer": {"system": "shop", "external_id": "1"}, "total": "1", "at": "Ann Smith"}',
        b"\xff\xfe",
        b'{"customer": {"system": "shop", "external_id": "\\ud800"}, "total": "1"}',
        b"[" * 100_000,
    ],
)
async def test_a_malformed_body_is_refused_without_being_quoted(shop: Shop, body: bytes) -> None:
    answer = await shop.client.post("/v1/purchases", content=body)

    assert answer.status_code == 422
    assert answer.json()["code"] == "malformed"
    assert answer.json()["errors"]
    assert "Ann" not in answer.text


async def test_a_malformed_member_is_pointed_at(shop: Shop) -> None:
    answer = await shop.client.post("/v1/purchases", json={**PURCHASE, "customer": {"id": "17850"}})

    assert answer.json()["errors"][0]["pointer"] == "/customer/id"


async def test_without_a_token_nothing_is_taken(shop: Shop) -> None:
    del shop.client.headers["authorization"]

    answer = await shop.client.post("/v1/purchases", json=PURCHASE)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "token_missing"


async def test_a_token_without_the_scope_is_denied(shop: Shop) -> None:
    answer = await shop.client.post(
        "/v1/purchases", json=PURCHASE, headers=shop.token(scope="interactions:read contacts:write")
    )

    assert answer.status_code == 403
    assert answer.json()["facts"] == {"scope": "interactions:write"}


async def test_the_tenant_comes_from_the_token_alone(shop: Shop) -> None:
    bought = (await buy(shop)).json()

    answer = await shop.client.post(
        f"/v1/purchases/{bought['id']}/refund", json={}, headers={**shop.token(tenant="rival"), "X-Tenant": "acme"}
    )

    assert answer.status_code == 404


async def test_a_body_above_the_limit_is_refused_before_it_is_read(shop: Shop) -> None:
    body = orjson.dumps({**PURCHASE, "currency": "G" * BODY_BYTES_MAX})

    answer = await shop.client.post("/v1/purchases", content=body)

    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


async def test_a_body_that_does_not_say_how_long_it_is_is_counted(shop: Shop) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65_536

    answer = await shop.client.post("/v1/purchases", content=endless())

    assert answer.status_code == 413


async def test_with_the_keyring_away_nothing_personal_is_taken(shop: Shop) -> None:
    shop.keyring.is_away = True

    answer = await shop.client.post("/v1/contacts", json={"customer": {"email": "ann@example.com"}, "text": "Hello"})

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["code"] == "keyring_away"
    assert sum((await shop.ledger.state()).heads) == 0


async def test_a_shut_ledger_asks_to_come_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def shut(*_: object) -> None:
        raise LedgerShut

    monkeypatch.setattr(shop.ledger, "append", shut)

    answer = await shop.client.post("/v1/purchases", json=PURCHASE)

    assert answer.status_code == 503
    assert answer.json()["code"] == "ledger_shut"
    assert "retry-after" in answer.headers


async def test_a_bug_shows_nothing_of_itself(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        msg = 'relation "events" of Ann Smith on host db-7'
        raise RuntimeError(msg)

    monkeypatch.setattr(shop.ledger, "append", broken)

    answer = await shop.client.post("/v1/purchases", json=PURCHASE)

    assert answer.status_code == 500
    assert set(answer.json()) == {"type", "title", "status", "code", "detail", "correlation_id"}
    for leak in ("Ann", "db-7", "events", "RuntimeError", "Traceback"):
        assert leak not in answer.text


async def test_a_correlation_id_is_kept_if_it_is_one(shop: Shop) -> None:
    kept = await buy(shop, **{"X-Correlation-Id": "order-17"})
    replaced = await buy(shop, **{"X-Correlation-Id": "Ann Smith"})

    assert kept.headers["x-correlation-id"] == "order-17"
    assert re.fullmatch(r"[0-9a-f]{18}-[0-9a-f]+", replaced.headers["x-correlation-id"])


async def test_an_event_carries_who_and_why(shop: Shop) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    bought = (await buy(shop, **{"X-Correlation-Id": "order-17", "traceparent": trace})).json()

    recorded = await shop.ledger.read_streams("acme", [bought["stream"]])  # type: ignore[arg-type]

    meta = recorded[bought["stream"]][0].meta
    assert (meta.actor, meta.correlation_id, meta.traceparent) == ("clerk-7", "order-17", trace)


async def test_an_unknown_route_is_a_problem_too(shop: Shop) -> None:
    missing, wrong = await shop.client.get("/v1/nothing"), await shop.client.put("/v1/purchases")

    assert (missing.status_code, missing.json()["code"]) == (404, "route_not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")


def test_a_stale_refusal_is_412_whoever_makes_it() -> None:
    class Mine(Stale):
        """It moved on."""

        code = "mine"

    from rapport_chassis.problems import problem_of

    problem = problem_of(Mine(version=3))

    assert problem is not None
    assert (problem.status, problem.code) == (412, "mine")


async def test_a_repeat_gets_the_first_answer_though_the_decision_would_now_be_another(shop: Shop) -> None:
    bought = (await buy(shop)).json()
    path = f"/v1/purchases/{bought['id']}/refund"
    first = await shop.client.post(path, json={}, headers={"Idempotency-Key": "refund-1", "If-Match": '"1"'})
    await shop.client.post(path, json={})

    repeat = await shop.client.post(path, json={}, headers={"Idempotency-Key": "refund-1", "If-Match": '"1"'})
    other = await shop.client.post(path, json={"amount": "3"}, headers={"Idempotency-Key": "refund-1"})

    assert repeat.content == first.content
    assert repeat.headers["etag"] == first.headers["etag"] == '"2"'
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
