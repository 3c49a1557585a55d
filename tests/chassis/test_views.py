"""An operator rebuilds read models and releases parked events while the service runs; nobody restarts anything."""

from typing import Any

import httpx
import pytest

from tests.chassis.houses import House
from tests.chassis.tokens import sign
from tests.waiting import until

SECONDS = 40


@pytest.fixture
async def house(house: House) -> House:
    await house.start("http,mirror,readers")
    await until(house.is_ready, seconds=SECONDS, what="all roles are ready")
    return house


def operator(house: House, scope: str = "operator interactions:read interactions:write") -> httpx.AsyncClient:
    client = house.client()
    client.headers["Authorization"] = f"Bearer {sign(house.key, scope=scope)}"
    return client


async def buy(client: httpx.AsyncClient, who: str, total: str = "1.00") -> str:
    body = {"customer": {"system": "shop", "external_id": who}, "total": total}
    answer = await client.post("/v1/purchases", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Rapport-Position"])


async def shown(client: httpx.AsyncClient, position: str) -> None:
    async def is_shown() -> bool:
        return (await client.get("/v1/readers", params={"after": position})).status_code == 200

    await until(is_shown, seconds=SECONDS, what="the write is shown")


async def rebuilds(client: httpx.AsyncClient) -> dict[int, dict[str, Any]]:
    answer = await client.get("/v1/views")
    return {row["rebuild"]: row for row in answer.json()["rebuilds"]}


async def until_compared(client: httpx.AsyncClient, number: int) -> None:
    async def is_compared() -> bool:
        try:
            return bool((await rebuilds(client))[number]["verified_at"])
        except httpx.TransportError:
            return False

    await until(is_compared, seconds=SECONDS, what="the rebuild is filled and compared")


async def test_a_running_service_rebuilds_switches_and_drops(house: House) -> None:
    async with operator(house) as client:
        positions = [await buy(client, f"customer {number}") for number in range(20)]
        await shown(client, positions[-1])

        assert (await client.post("/v1/views/sums/rebuild")).json() == {"model": "sums_v1", "rebuild": 2}
        await until_compared(client, 2)
        assert [row["rows_differing"] for row in (await rebuilds(client)).values()] == [None, 0]
        switched = await client.post("/v1/views/sums/switch", json={})
        assert (switched.status_code, switched.json()["before"]) == (200, 1)

        # Freshness and `after` follow the one that is read; what is recorded now is shown from it.
        await shown(client, await buy(client, "customer 1"))
        (reader,) = (await client.get("/v1/readers")).json()["readers"]
        assert (reader["reader"], reader["freshness"]["lag_seconds"] is not None) == ("sums_v1_r2", True)

        assert (await client.post("/v1/views/sums/drop", json={"rebuild": 2})).json()["code"] == "rebuild_is_live"
        assert (await client.post("/v1/views/sums/drop", json={"rebuild": 1})).status_code == 200
        await shown(client, await buy(client, "customer 2"))
        assert [row["state"] for row in (await rebuilds(client)).values()] == ["live"]


async def test_a_rebuild_goes_on_after_a_kill(house: House) -> None:
    async with operator(house) as client:
        positions = [await buy(client, f"customer {number}") for number in range(20)]
        await shown(client, positions[-1])
        await client.post("/v1/views/sums/rebuild")
        house.running[0].kill()
        await house.running[0].wait()
        await house.start("http,mirror,readers")

        await until_compared(client, 2)

        assert (await rebuilds(client))[2]["rows_differing"] == 0


async def test_only_operators_rebuild(house: House) -> None:
    async with operator(house, "interactions:read interactions:write") as client:
        refused = await client.post("/v1/views/sums/rebuild")
        assert (refused.status_code, refused.json()["facts"]) == (403, {"scope": "operator"})
    async with operator(house) as client:
        assert (await client.post("/v1/views/nothing/rebuild")).json()["code"] == "view_not_found"
        assert (await client.post("/v1/views/sums/switch", json={})).json()["code"] == "rebuild_not_found"


async def test_a_parked_event_is_listed_tried_and_discarded(house: House) -> None:
    async with operator(house) as client:
        await buy(client, "ann", "13.13")
        await buy(client, "ann")
        await shown(client, await buy(client, "bob"))
        (event,) = (await client.get("/v1/parked")).json()["parked"]
        assert (event["behind"], event["tries"], event["readers"]) == (1, 1, ["sums_v1_r1"])
        path = f"/v1/parked/{event['event_id']}"
        record = (await client.get(path)).json()
        assert (record["headers"]["ce_id"], '"13.13"' in record["value"]) == (event["event_id"], True)

        again = await client.post(f"{path}/retry", json={})
        assert (again.status_code, again.json()["code"], again.json()["facts"]["tries"]) == (409, "still_parked", 2)
        assert (await client.post(f"{path}/retry", json={"value": {}})).json()["code"] == "replacement_needs_reason"
        assert (await client.post(f"{path}/discard", json={})).status_code == 422
        done = await client.post(f"{path}/discard", json={"reason": "a slip of the pen"})

        assert done.json() == {"event_id": event["event_id"], "is_released": True}
        assert (await client.get("/v1/parked")).json()["parked"] == []
        assert (await client.get(path)).json()["code"] == "parked_not_found"
