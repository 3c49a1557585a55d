"""Many clients at once, over two processes: one key is one event, and one version has one winner."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

import httpx
import pytest

from tests.chassis.doors import Doors, two_doors
from tests.chassis.houses import House
from tests.chassis.tokens import sign

CLIENTS: Final = 64
WRITERS: Final = 64
PURCHASE: Final = {"customer": {"system": "shop", "external_id": "17850"}, "total": "15.30"}
SHOWN: Final = ("content-type", "etag", "location", "rapport-position")


@pytest.fixture
async def doors(house: House) -> AsyncIterator[Doors]:
    async with two_doors(house, ("tests.chassis.shop_main",), connections=CLIENTS) as opened:
        yield opened


async def test_one_key_from_many_clients_of_two_processes_is_one_event(doors: Doors) -> None:
    async def buy(number: int) -> httpx.Response:
        return await doors.clients[number % 2].post(
            "/v1/purchases", json=PURCHASE, headers={"Idempotency-Key": "order-1"}
        )

    answers = await asyncio.gather(*(buy(number) for number in range(CLIENTS)))

    told = {(each.status_code, each.content, *(each.headers.get(header) for header in SHOWN)) for each in answers}
    assert len(told) == 1
    assert answers[0].status_code == 201
    assert await doors.events() == 1

    stranger = {"Authorization": f"Bearer {sign(doors.house.key, tenant='rival')}", "Idempotency-Key": "order-1"}
    other = await doors.clients[0].post("/v1/purchases", json=PURCHASE | {"total": "1"}, headers=stranger)
    assert other.status_code == 201
    assert other.json()["id"] != answers[0].json()["id"]
    assert await doors.events() == 2


async def test_of_many_writers_one_wins_each_version(doors: Doors) -> None:
    bought = (await doors.clients[0].post("/v1/purchases", json=PURCHASE)).json()
    path = f"/v1/purchases/{bought['id']}/refund"
    version = 1
    # A purchase takes two refunds: as many versions as there can be, then nobody wins any more.
    for last in (2, 3):
        answers = await asyncio.gather(
            *(
                doors.clients[number % 2].post(path, json={"amount": "1"}, headers={"If-Match": f'"{version}"'})
                for number in range(WRITERS)
            )
        )
        statuses = Counter(answer.status_code for answer in answers)
        assert statuses == {200: 1, 412: WRITERS - 1}
        (won,) = [answer for answer in answers if answer.status_code == 200]
        version = int(won.json()["version"])
        assert (version, won.headers["etag"]) == (last, f'"{last}"')
    assert await doors.events() == version
