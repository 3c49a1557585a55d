"""Roles of a service as real processes: together, alone, without a broker, without a database, and stopped."""

import asyncio
import signal
from collections.abc import AsyncIterator

import asyncpg
import httpx

from tests.chassis.houses import House, free_port
from tests.waiting import until

START_SECONDS = 40
ANN = {"system": "shop", "external_id": "Ann Smith <ann@example.com>"}
PURCHASE = {"customer": ANN, "total": "2.50"}


async def buy(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    answer = await client.post("/v1/purchases", json=PURCHASE, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer


async def takes_commands(house: House) -> bool:
    async with house.client() as client:
        try:
            answer = await client.get("/v1/ledger")
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and bool(answer.json()["open"])


async def shown(client: httpx.AsyncClient, position: str) -> None:
    """Wait as a client does: by reading after a position."""

    async def is_shown() -> bool:
        answer = await client.get("/v1/readers", params={"after": position})
        assert answer.status_code in {200, 503}, answer.text
        return answer.status_code == 200

    await until(is_shown, seconds=START_SECONDS, what="the write is shown")


async def test_all_roles_run_together(house: House) -> None:
    process = await house.start("http,mirror,readers,effects")
    await until(house.is_ready, seconds=START_SECONDS, what="all parts are ready")

    async with house.client() as client:
        bought = await buy(client)
        await shown(client, bought.headers["rapport-position"])
        event = await client.get(
            f"/v1/events/{bought.json()['event_ids'][0]}", params={"partition": int(bought.json()["id"][-2:], 16)}
        )
        ledger = await client.get("/v1/ledger")
        again = {"partition": int(bought.json()["id"][-2:], 16), "after": 0}
        resent = [(await client.post("/v1/ledger/resend", json=again)).status_code for _ in range(2)]
        await until(lambda: has_repeats(client), seconds=START_SECONDS, what="the record came a second time")
        await until_lag_is_nothing(client)
        metrics = (await client.get("/metrics")).text
    total = await total_of(house)

    assert set((await house.ready())["parts"]) == {"http", "mirror", "readers", "effects", "database"}
    assert total == (1, "2.50")
    assert resent == [202, 503]
    assert event.json()["type"] == "crm.customer.purchased.v1"
    assert event.json()["data"]["total"] == "2.50"
    assert (ledger.json()["era"], ledger.json()["open"], sum(ledger.json()["heads"])) == (1, True, 1)
    for name in ("rapport_reader_lag", "rapport_mirror", "rapport_execute_seconds_count", "rapport_role_up"):
        assert name in metrics
    assert await house.stop(process) == 0
    assert "Ann" not in house.logs


async def has_repeats(client: httpx.AsyncClient) -> bool:
    text = (await client.get("/metrics")).text
    return 'rapport_reader_repeats_total{reader="sums_v1_r1"} 1.0' in text


async def until_lag_is_nothing(client: httpx.AsyncClient) -> None:
    async def is_current() -> bool:
        (reader,) = (await client.get("/v1/readers")).json()["readers"]
        return bool(reader["lag"] == 0 and reader["freshness"]["lag_seconds"] == 0)

    await until(is_current, seconds=START_SECONDS, what="the reader's lag is 0")


async def total_of(house: House) -> tuple[int, str] | None:
    connection = await asyncpg.connect(house.database.admin)
    try:
        row = await connection.fetchrow("SELECT count, total::text FROM sums_v1_r1")
        return (row["count"], row["total"]) if row else None
    finally:
        await connection.close()


async def test_each_role_runs_alone(house: House) -> None:
    http = await house.start("http")
    await until(house.is_ready, seconds=START_SECONDS, what="HTTP is ready")
    mirror, readers = await house.start("mirror"), await house.start("readers")
    effects = await house.start("effects")
    await until(lambda: takes_commands(house), seconds=START_SECONDS, what="the mirror has opened the ledger")

    async with house.client() as client:
        first = await buy(client)
        await shown(client, first.headers["rapport-position"])
        readers.kill()
        await readers.wait()
        second = await buy(client)
        again = await house.start("readers")
        await shown(client, second.headers["rapport-position"])

    assert await total_of(house) == (2, "5.00")
    for process in (http, mirror, again, effects):
        assert await house.stop(process) == 0


async def test_http_waits_for_no_broker(house: House) -> None:
    house.environment["RAPPORT_KAFKA"] = f"127.0.0.1:{free_port()}"
    await house.start("http,mirror,readers,effects")

    async def answers() -> bool:
        return bool((await house.ready())["status"] == "degraded")

    await until(answers, seconds=10, what="HTTP answers though there is no broker")
    await until(lambda: takes_commands(house), seconds=20, what="the ledger opens without a comparison")
    async with house.client() as client:
        await buy(client)

    parts = (await house.ready())["parts"]
    assert parts["http"]["state"] == "ready"
    assert parts["mirror"]["state"] == "waiting"


async def test_a_lost_database_is_waited_for(house: House) -> None:
    await house.start("http,mirror,readers,effects")
    await until(house.is_ready, seconds=START_SECONDS, what="all parts are ready")
    name = house.database.admin.rpartition("/")[2]
    server = house.database.admin.rpartition("/")[0] + "/postgres"
    admin = await asyncpg.connect(server)

    await admin.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    async with house.client() as client:

        async def is_refused() -> bool:
            return (await client.get("/ready")).status_code == 503

        await until(is_refused, seconds=20, what="readiness says that the database is away")
        refused = await client.get("/v1/ledger")
        live = await client.get("/live")
        await admin.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")
        await admin.close()
        await until(house.is_ready, seconds=START_SECONDS, what="everything is at work again")
        bought = await buy(client)
        await shown(client, bought.headers["rapport-position"])

    assert (refused.status_code, refused.json()["code"]) == (503, "database_away")
    assert live.status_code == 200


async def test_a_request_under_way_is_finished_before_the_process_ends(house: House) -> None:
    process = await house.start("http,mirror")
    await until(lambda: takes_commands(house), seconds=START_SECONDS, what="the ledger is open")
    begun, told = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"customer": {"email": "ann@example.com"}, '
        begun.set()
        await told.wait()
        yield b'"total": "1"}'

    async with house.client() as client, asyncio.TaskGroup() as group:
        answer = group.create_task(client.post("/v1/purchases", content=slowly()))
        await begun.wait()
        process.send_signal(signal.SIGTERM)

        async def is_closed() -> bool:
            return bool((await house.ready())["status"] == "unreachable")

        await until(is_closed, seconds=10, what="no new connection is taken")
        told.set()

    assert answer.result().status_code == 201
    async with asyncio.timeout(10):
        assert await process.wait() == 0


async def test_what_is_missing_is_named_and_nothing_starts(house: House) -> None:
    for name in ("RAPPORT_KAFKA", "RAPPORT_KEYRING", "RAPPORT_INTERACTIONS_APP", "RAPPORT_JWKS_FILE"):
        del house.environment[name]

    process = await house.start("http,mirror,readers,effects")

    async with asyncio.timeout(START_SECONDS):
        assert await process.wait() == 2
    for name in ("RAPPORT_KAFKA", "RAPPORT_KEYRING", "RAPPORT_INTERACTIONS_APP", "RAPPORT_JWKS_FILE"):
        assert f"{name} " in house.logs


async def test_a_misspelt_name_refuses_the_start(house: House) -> None:
    process = await house.start("http", RAPPORT_INTERACTION_PORT="1")

    async with asyncio.timeout(START_SECONDS):
        assert await process.wait() == 2
    assert "RAPPORT_INTERACTION_PORT is not a setting; did you mean RAPPORT_INTERACTIONS_PORT?" in house.logs


async def test_a_port_that_somebody_has_refuses_the_start(house: House) -> None:
    await house.start("http")
    await until(house.is_ready, seconds=START_SECONDS, what="the first one listens")

    second = await house.start("http")

    async with asyncio.timeout(START_SECONDS):
        assert await second.wait() == 2
    assert "RAPPORT_INTERACTIONS_PORT: port" in house.logs


async def test_a_process_without_http_answers_probes_where_it_is_told_to(house: House) -> None:
    port = free_port()
    await house.start("mirror", RAPPORT_HEALTH_PORT=str(port))

    async def is_ready() -> bool:
        async with httpx.AsyncClient() as client:
            try:
                (service,) = (await client.get(f"http://127.0.0.1:{port}/ready")).json()["services"]
            except httpx.TransportError:
                return False
        return bool(service["status"] == "ready")

    await until(is_ready, seconds=START_SECONDS, what="the mirror is ready")
