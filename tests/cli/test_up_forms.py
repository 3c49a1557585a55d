"""A suite in the foreground, in many processes, and beside servers that are not its own."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from rapport_cli.embedded.broker import Broker
from rapport_cli.embedded.postgres import Postgres
from tests.cli.suites import TENANT, Said, Suite, command, environment, free_base
from tests.waiting import until

SECONDS = 30
ANN = {"customer": {"system": "shop", "external_id": "1"}, "source": "shop"}


@pytest.fixture
async def suite(tmp_path: Path) -> AsyncIterator[Suite]:
    """Return a suite that is stopped in the end, whatever the test did."""
    suite = Suite(tmp_path / "data", free_base())
    yield suite
    await suite.down()


async def status(suite: Suite) -> Said:
    return await suite.verb("status", "--json", "--tenant", TENANT, "--data", str(suite.folder))


async def test_ctrl_c_stops_everything_that_it_started(suite: Suite) -> None:
    process = await asyncio.create_subprocess_exec(
        *command("up", "--data", str(suite.folder), "--port-base", str(suite.base), "--services", "contacts"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        first = await process.stdout.readline()
    assert first.decode().startswith("Rapport is up: contacts http://127.0.0.1:")
    started = suite.processes()
    assert len(started) == 4

    process.send_signal(signal.SIGINT)

    async with asyncio.timeout(SECONDS):
        assert await process.wait() == 0
    assert not any(each.is_alive for each in started.values())
    assert not suite.home.run.exists()


async def test_with_split_each_role_has_a_process_and_the_others_outlive_it(suite: Suite) -> None:
    said = await suite.up("--split", "--services", "contacts,interactions")
    assert said.code == 0, said.err
    before = suite.processes()
    assert {name for name in before if name.startswith("contacts-")} == {
        f"contacts-{role}" for role in ("http", "mirror", "readers", "effects")
    }

    await suite.kill("contacts-readers", "contacts-mirror", "interactions-http")
    answer = await suite.wish("contacts", "/v1/customers", ANN)
    assert answer.status_code == 201, answer.text

    async def is_shown() -> bool:
        return (await suite.ask("contacts", f"/v1/customers/{answer.json()['id']}")).status_code == 200

    await until(is_shown, seconds=SECONDS, what="the readers run again and show the customer")

    async def is_whole() -> bool:
        return (await status(suite)).code == 0

    await until(is_whole, seconds=SECONDS, what="every process is ready again")
    now = suite.processes()
    assert now["contacts-http"] == before["contacts-http"]
    assert now["contacts-readers"] != before["contacts-readers"]


async def test_servers_that_are_not_ours_are_used_and_left_alone(suite: Suite, tmp_path: Path) -> None:
    server, broker = Postgres(tmp_path / "postgres"), Broker(tmp_path / "broker")
    await asyncio.gather(server.start(), broker.start())
    try:
        parts = urlsplit(server.dsn)
        dsn = urlunsplit(parts._replace(netloc=f"postgres@127.0.0.1:{server.port}"))
        # A group on the embedded broker is joined after half a session.
        suite.environment = {"PGPASSWORD": parts.password or "", "RAPPORT_SESSION_SECONDS": "6"}
        said = await suite.up("--services", "contacts", "--kafka", broker.address, "--postgres", dsn)
        assert said.code == 0, said.err
        assert set(suite.processes()) == {"launcher", "services"}
        assert (await suite.wish("contacts", "/v1/customers", ANN)).status_code == 201
        await suite.down()
        # The next start knows where they are.
        assert (await suite.up("--services", "contacts")).json["kafka"] == broker.address
        assert (await suite.wish("contacts", "/v1/customers", ANN)).status_code == 200
        await suite.down()
        assert server.pid
        assert broker.pid
    finally:
        await asyncio.gather(server.kill(), broker.kill())
