"""Readiness: what can be answered, what is only degraded, and figures."""

import httpx

from rapport_chassis.health import Readiness, health_app
from rapport_chassis.telemetry import APPENDED, exposition
from tests.chassis.conftest import Shop


async def test_a_process_lives_without_anything_else(shop: Shop) -> None:
    del shop.client.headers["authorization"]

    answer = await shop.client.get("/live")

    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


async def test_readiness_names_each_part(shop: Shop) -> None:
    ready = shop.desk.readiness
    ready.expect("http", is_vital=True)
    ready.expect("mirror")
    ready.say("http", "ready")
    ready.say("mirror", "waiting", "KafkaError")

    answer = await shop.client.get("/ready")

    assert answer.status_code == 200
    body = answer.json()
    assert (body["service"], body["status"]) == ("interactions", "degraded")
    assert body["parts"]["http"]["state"] == "ready"
    assert (body["parts"]["mirror"]["state"], body["parts"]["mirror"]["why"]) == ("waiting", "KafkaError")


async def test_without_the_database_nothing_is_ready(shop: Shop) -> None:
    async def away() -> str:
        return "ConnectionRefusedError"

    shop.desk.readiness.expect("database", is_vital=True, check=away)

    answer = await shop.client.get("/ready")

    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert answer.json()["parts"]["database"]["why"] == "ConnectionRefusedError"


async def test_a_check_is_not_repeated_for_every_probe() -> None:
    asked = 0

    async def here() -> None:
        nonlocal asked
        asked += 1

    readiness = Readiness("contacts")
    readiness.expect("database", is_vital=True, check=here)

    assert [(await readiness.look())[0] for _ in range(5)] == [True] * 5
    assert asked == 1


async def test_who_stops_is_not_ready() -> None:
    readiness = Readiness("contacts")
    readiness.is_stopping = True

    able, body = await readiness.look()

    assert (able, body["status"]) == (False, "stopping")


async def test_one_door_tells_of_all_services_of_a_process() -> None:
    members = [Readiness("contacts"), Readiness("workflow")]
    members[1].expect("http", is_vital=True)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(health_app(members)), base_url="http://x") as client:
        live, ready, metrics = [await client.get(path) for path in ("/live", "/ready", "/metrics")]

    assert (live.status_code, ready.status_code, metrics.status_code) == (200, 503, 200)
    assert [body["status"] for body in ready.json()["services"]] == ["ready", "not_ready"]


async def test_metrics_tell_of_one_service_and_of_the_process(shop: Shop) -> None:
    APPENDED.labels("interactions").inc()
    APPENDED.labels("workflow").inc()
    await shop.client.get("/live")

    text = (await shop.client.get("/metrics")).text

    assert 'rapport_appended_events_total{service="interactions"}' in text
    assert 'service="workflow"' not in text
    assert 'method="GET",route="/live",service="interactions",status="200"' in text
    assert "process_resident_memory_bytes" in text
    assert b'service="workflow"' in exposition(None)


async def test_paths_that_nobody_serves_make_no_figures_of_their_own(shop: Shop) -> None:
    for path in ("/a", "/b", "/c"):
        await shop.client.get(path)

    text = (await shop.client.get("/metrics")).text

    assert 'route="unmatched"' in text
    assert 'route="/a"' not in text
