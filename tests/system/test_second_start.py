"""Started again, a suite goes on with what it had, whatever ended it; the broker is filled from the ledgers."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from tests.cli import small
from tests.system.client import OK, Client
from tests.system.rows import changes, rows_of
from tests.system.standing import settle
from tests.system.story import ANN, figures, whole_day
from tests.system.suites import OWNERS, Suite
from tests.system.topics import heads_of, numbers_in, until_whole
from tests.waiting import until

SECONDS = 90
LINES = 16_000


@pytest.fixture(scope="module")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    """Start a suite that may be ended."""
    suite = Suite(tmp_path_factory.mktemp("second"))
    try:
        await suite.up()
        yield suite
    finally:
        await suite.end()


async def end_by(suite: Suite, how: str) -> None:
    """End everything, in order or not."""
    if how == "Ctrl-C":
        running = [suite.run.launcher, *suite.run.processes.values()]
        assert await suite.stop(signal.SIGINT) == 0
        assert not any(known.is_alive for known in running)
    else:
        await suite.kill()


async def buy(client: Client) -> tuple[int, int]:
    """Let Ann buy something, and return the partition and position of that."""
    body = {"customer": ANN, "total": "1.00", "currency": "EUR"}
    answers = await client.batch("interactions", [{"command": "record_purchase", "key": "after", "body": body}])
    ((partition, position),) = answers[0]["positions"]
    return partition, position


@pytest.mark.parametrize("how", ["Ctrl-C", "kill -9"])
async def test_a_suite_goes_on_where_it_was(suite: Suite, tenant: str, how: str) -> None:
    async with suite.client(tenant) as client:
        await whole_day(client)
        await settle(suite)
        shown, rows, words = await figures(client), await rows_of(suite), await searched(suite)
        heads = {service: await heads_of(suite, service) for service in OWNERS}

    await end_by(suite, how)
    await suite.up()

    async with suite.client(tenant) as client:
        assert {service: await heads_of(suite, service) for service in OWNERS} == heads
        for service in OWNERS:
            await until_whole(suite, service)
            # The broker had forgotten everything; each ledger was told to it once, in order.
            numbers = await numbers_in(suite, service)
            assert numbers == {partition: list(range(1, head + 1)) for partition, head in enumerate(heads[service])}
        await settle(suite)
        await until(lambda: is_searched(client), seconds=SECONDS, what="the search is filled again")
        assert await figures(client) == shown
        assert [name for name in changes(rows, await rows_of(suite)) if "_search_" not in name] == []
        assert await searched(suite) == words

        partition, position = await buy(client)
        await settle(suite)
        assert position == heads["interactions"][partition] + 1
        assert (await figures(client))["purchases"]["count"] == shown["purchases"]["count"] + 1
    await proven(suite)


async def proven(suite: Suite) -> None:
    """Have `rapport verify` prove that topics and read models hold exactly what the ledgers hold."""
    said = await suite.verb("verify", "--wait", "60", "--json")
    assert said.code == 0, said.out + said.error
    report = orjson.loads(said.out)
    assert report["is_level"]
    assert not any(report["counts"].values())
    names = {place["place"].split("_")[0] for place in report["places"] if place["facts"]}
    assert {"ledger contacts", "topic crm.workflow", "analytics.totals", "workflow.reactions"} <= names


async def searched(suite: Suite) -> list[tuple[object, ...]]:
    """Return all that search finds customers by; a crash empties these tables, and the version is but a hint there."""
    connection = await suite.connect("contacts")
    try:
        rows = await connection.fetch(
            "SELECT partition, tenant_id, customer_id, coalesce(name, ''), coalesce(email, ''), coalesce(phone, '')"
            "  FROM directory_search_v1_r1 ORDER BY 1, 2, 3"
        )
        return [tuple(row) for row in rows]
    finally:
        await connection.close()


async def is_searched(client: Client) -> bool:
    """Say whether a search finds Ann; it says 503 while it is being filled again."""
    answer = await client.get("contacts", "/v1/customers", q="ann exa")
    return answer.status_code == OK and len(answer.json()["customers"]) == 1


async def test_an_import_outlives_a_power_cut(suite: Suite, tenant: str, tmp_path: Path) -> None:
    file, mapping = tmp_path / "lines.csv", tmp_path / "sales.toml"
    numbers = write_bills(file)
    mapping.write_text(small.SALES)
    order = ["import", str(file), "--mapping", str(mapping), "--json", "--quiet", "--tenant", tenant]
    enough = sum(await heads_of(suite, "interactions")) + random.randint(1, LINES // 10)  # noqa: S311  # no secret

    process = await suite.begin_verb(*order, tenant=tenant)
    await until(lambda: has_come(suite, enough), seconds=SECONDS, what="some bills were recorded")
    assert not has_ended(process)
    await suite.kill()
    await suite.up()
    async with asyncio.timeout(SECONDS):
        out, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    await settle(suite)

    assert orjson.loads(out)["facts"] == {"crm.customer.purchased.v1": len(set(numbers))}
    async with suite.client(tenant) as client:
        purchases = (await figures(client))["purchases"]
    assert purchases["count"] == len(set(numbers))
    assert purchases["customers"] == len({customer_of(number) for number in numbers})
    assert Decimal(purchases["revenue"]["total"]) == LINES * Decimal("2.10")
    await proven(suite)


def has_ended(process: asyncio.subprocess.Process) -> bool:
    """Say whether a process is known to have ended."""
    return process.returncode is not None


async def has_come(suite: Suite, enough: int) -> bool:
    """Say whether the ledger of interactions has grown to so many events."""
    return sum(await heads_of(suite, "interactions")) >= enough


def write_bills(path: Path) -> list[int]:
    """Write bills of some lines each, some of them interrupted by others; returns the number on each line."""
    chance = random.Random(7)  # noqa: S311  # a repeatable file, no secret
    numbers = [chance.randint(index, index + 5) // 2 for index in range(LINES)]
    lines = [f"{n},{customer_of(n)},2026-03-{n % 28 + 1:02} 12:00,tea,2,1.05\n" for n in numbers]
    path.write_text("bill,who,at,what,n,price\n" + "".join(lines))
    return numbers


def customer_of(number: int) -> str:
    """Return who got a bill."""
    return f"c{number % 400}"
