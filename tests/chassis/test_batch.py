"""Commands by the thousand: JSON lines in, one answer for each, in order."""

import json
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from rapport_chassis.batch import LINES_MAX
from rapport_chassis.entrance import BATCH_BYTES_MAX
from rapport_chassis.positions import read_token
from rapport_events.ledger import LedgerShut
from tests.chassis.conftest import Shop

WHO = {"system": "shop", "external_id": "17850"}


def purchase(number: int, **changes: object) -> dict[str, Any]:
    body = {"customer": WHO, "external": {"system": "shop", "id": str(number)}, "total": "1"}
    return {"command": "record_purchase", "body": body | changes}


async def send(shop: Shop, *lines: dict[str, Any] | bytes) -> list[dict[str, Any]]:
    content = b"\n".join(line if isinstance(line, bytes) else orjson.dumps(line) for line in lines)
    answer = await shop.client.post(
        "/v1/commands:batch", content=content, headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_each_line_gets_its_answer_and_a_bad_one_spoils_no_other(shop: Shop) -> None:
    answers = await send(
        shop,
        purchase(1),
        b"no json",
        purchase(2, total="Ann Smith"),
        {"command": "fly", "body": {}},
        {"command": "refund_purchase", "body": {"purchase": {"system": "shop", "id": "1"}}, "key": "r1"},
        {"command": "refund_purchase", "body": {"purchase": {"system": "shop", "id": "404"}}},
        purchase(1),
        b'{"command": "record_purchase", "body": {}, "more": 1}',
    )

    assert [(answer["status"], answer["outcome"]) for answer in answers] == [
        (201, "recorded"),
        (422, "invalid"),
        (422, "invalid"),
        (422, "invalid"),
        (200, "recorded"),
        (404, "refused"),
        (201, "repeated"),
        (422, "invalid"),
    ]
    assert answers[4]["stream"] == answers[0]["stream"]
    assert answers[6]["event_ids"] == answers[0]["event_ids"]
    assert [answer["problem"]["code"] for answer in answers if "problem" in answer] == [
        "malformed",
        "malformed",
        "command_unknown",
        "not_found",
        "malformed",
    ]
    assert "Ann" not in json.dumps(answers)


async def test_an_answer_says_where_its_events_lie(shop: Shop) -> None:
    (answer,) = await send(shop, purchase(1))

    partition = int(answer["id"][-2:], 16)
    assert answer["positions"] == [[partition, 1]]
    assert answer["stream"] == f"purchase-{answer['id']}"
    assert len(answer["event_ids"]) == 1


async def test_the_header_names_the_last_position_of_each_partition(shop: Shop) -> None:
    lines = [purchase(number, customer={"system": "shop", "external_id": str(number % 5)}) for number in range(50)]
    content = b"\n".join(map(orjson.dumps, lines))

    answer = await shop.client.post("/v1/commands:batch", content=content)

    heads = (await shop.ledger.state()).heads
    named = read_token(answer.headers["rapport-position"])
    assert {each.partition: each.position for each in named} == {n: head for n, head in enumerate(heads) if head}


async def test_the_same_batch_twice_records_nothing_new(shop: Shop) -> None:
    lines = [purchase(number) for number in range(20)]
    first = await send(shop, *lines)

    second = await send(shop, *lines)

    assert {answer["outcome"] for answer in second} == {"repeated"}
    assert [answer["event_ids"] for answer in second] == [answer["event_ids"] for answer in first]
    assert sum((await shop.ledger.state()).heads) == 20


async def test_a_repeat_is_told_what_the_first_was_told(shop: Shop) -> None:
    lines = [purchase(number) | {"key": f"order-{number}"} for number in range(20)]
    first = await send(shop, *lines)

    second = await send(shop, *lines)

    told = ("id", "stream", "event_ids", "positions")
    assert [[answer[each] for each in told] for answer in second] == [
        [answer[each] for each in told] for answer in first
    ]
    assert {answer["outcome"] for answer in second} == {"repeated"}


async def test_a_thousand_lines_are_taken_and_one_more_is_not(shop: Shop) -> None:
    lines = [orjson.dumps(purchase(number)) for number in range(LINES_MAX)]
    taken = await send(shop, *lines)

    refused = await shop.client.post("/v1/commands:batch", content=b"\n".join([*lines, lines[0]]))

    assert len(taken) == LINES_MAX
    assert refused.status_code == 413
    assert refused.json()["code"] == "too_many_lines"


async def test_empty_lines_count_for_nothing(shop: Shop) -> None:
    assert len(await send(shop, b"", purchase(1), b"  ", b"")) == 1
    assert await send(shop) == []


async def test_lines_may_come_in_pieces(shop: Shop) -> None:
    content = b"\n".join(orjson.dumps(purchase(number)) for number in range(10))

    async def pieces() -> AsyncIterator[bytes]:
        for begin in range(0, len(content), 7):
            yield content[begin : begin + 7]

    answer = await shop.client.post("/v1/commands:batch", content=pieces())

    assert len(answer.text.splitlines()) == 10


async def test_a_line_and_a_body_have_their_limits(shop: Shop) -> None:
    long = await shop.client.post("/v1/commands:batch", content=b'{"command": "' + b"x" * 1_100_000)
    large = await shop.client.post("/v1/commands:batch", content=b" " * (BATCH_BYTES_MAX + 1))

    assert (long.status_code, large.status_code) == (413, 413)


async def test_an_event_that_is_too_large_leaves_its_neighbours(shop: Shop) -> None:
    letter = {"command": "record_contact", "body": {"customer": WHO, "text": "\N{GRINNING FACE}" * 60_000}}

    answers = await send(shop, purchase(1), letter, purchase(2))

    assert [answer["outcome"] for answer in answers] == ["recorded", "invalid", "recorded"]
    assert (answers[1]["status"], answers[1]["problem"]["code"]) == (413, "event_too_large")


async def test_what_its_contract_does_not_hold_leaves_its_neighbours(shop: Shop) -> None:
    letter = {"command": "record_contact", "body": {"customer": WHO, "text": "x" * 65_537}}

    answers = await send(shop, purchase(1), letter, purchase(2))

    assert [answer["outcome"] for answer in answers] == ["recorded", "invalid", "recorded"]
    assert (answers[1]["status"], answers[1]["problem"]["code"]) == (422, "value_not_recordable")
    assert answers[1]["problem"]["facts"] == {"member": "body"}


async def test_what_is_away_is_away_for_the_whole_batch(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def shut(*_: object) -> None:
        raise LedgerShut

    monkeypatch.setattr(shop.ledger, "append", shut)

    answer = await shop.client.post("/v1/commands:batch", content=orjson.dumps(purchase(1)))

    assert answer.status_code == 503
    assert answer.json()["code"] == "ledger_shut"


async def test_a_batch_needs_the_scope_to_write(shop: Shop) -> None:
    answer = await shop.client.post("/v1/commands:batch", content=b"", headers=shop.token(scope="interactions:read"))

    assert answer.status_code == 403
