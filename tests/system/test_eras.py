"""One service's database is restored from a backup while topics and readers are ahead, and commands keep coming."""

from pathlib import Path

from tests.system.client import Client, Json
from tests.system.story import NOON, Story, bought, complained, known
from tests.system.two_servers import MOVED, TwoServers, two_servers
from tests.waiting import until

SECONDS = 60
OLD = {"system": "shop", "external_id": "cleo"}
LEDGER = {
    "events": "SELECT e::text FROM events AS e ORDER BY partition, position",
    "claims": "SELECT c::text FROM claims AS c ORDER BY c::text",
    "commands": """SELECT (tenant_id, idempotency_key, fingerprint, partitions, positions, versions)::text
                     FROM commands ORDER BY 1""",
}


def order(number: int) -> Json:
    """Make the body of a purchase that has a name outside."""
    external = {"system": "shop", "id": f"late {number}"}
    return {"customer": OLD, "external": external, "total": f"{number}.50", "currency": "EUR", "at": NOON}


async def shown(client: Client) -> Json:
    """Return what the services show, without what tells the time."""
    answers = {
        "report": await client.read("analytics", "/v1/report"),
        "tasks": await client.read("workflow", "/v1/tasks"),
        "customers": await client.read("contacts", "/v1/customers"),
    }
    return {name: _without_time(answer) for name, answer in answers.items()}


def _without_time(answer: Json) -> Json:
    return {name: value for name, value in answer.items() if name not in {"freshness", "cursor"}}


async def ledger_rows(suite: TwoServers) -> dict[str, list[str]]:
    """Return all that the ledger remembers."""
    return {name: await suite.rows(statement) for name, statement in LEDGER.items()}


async def refused_until_shut(suite: TwoServers, client: Client) -> None:
    """Send commands until the mirror has found out what is wrong; none is taken."""

    async def is_shut() -> bool:
        answer = await client.post(MOVED, "/v1/purchases", order(900), idempotency_key="too-early")
        assert answer.status_code == 503, answer.text
        return bool(answer.json()["code"] == "ledger_shut" and answer.json().get("facts", {}).get("reason"))

    await until(is_shut, seconds=SECONDS, what="the ledger says that it stays shut")
    said = await suite.verb("ledger", "status", MOVED)
    assert said.code == 1
    assert f"rapport ledger new-era --take-back {MOVED}" in said.out


async def test_a_restored_ledger_gets_everything_back_and_everybody_follows(tmp_path: Path) -> None:
    async with two_servers(tmp_path) as suite, suite.client() as client:
        story = Story(client)
        await known(story)
        await bought(story)
        await suite.settle()
        backup = await suite.copy_files()
        await until(lambda: is_open(client), seconds=SECONDS, what="the ledger is open")
        await complained(story)
        await lose_and_go_on(suite, client, backup, first=0, era=2)
        backup = await suite.copy_base()
        await lose_and_go_on(suite, client, backup, first=100, era=3)


async def lose_and_go_on(suite: TwoServers, client: Client, backup: Path, *, first: int, era: int) -> None:
    """Record more, restore what was before, take back what was lost, and see that nothing differs."""
    late = await keyed(client, first)
    named = [{"command": "record_purchase", "body": order(first + n)} for n in range(20)]
    await client.batch(MOVED, named)
    await suite.settle()
    before, rows = await shown(client), await ledger_rows(suite)

    await suite.restore(backup)
    await refused_until_shut(suite, client)
    assert len(await suite.rows(LEDGER["events"])) < len(rows["events"])
    said = await suite.verb("ledger", "new-era", "--take-back", MOVED)

    assert said.code == 0, said.error
    assert await ledger_rows(suite) == rows
    await suite.settle()
    assert await in_era(client) == {(MOVED, era)}
    assert await shown(client) == before
    assert await keyed(client, first) == late
    assert {answer["outcome"] for answer in await client.batch(MOVED, named)} == {"repeated"}
    assert await ledger_rows(suite) == rows
    await client.wish(MOVED, "/v1/purchases", order(first + 99))
    await suite.settle()
    after = await shown(client)
    assert after["report"]["purchases"]["count"] == before["report"]["purchases"]["count"] + 1
    assert after["tasks"] == before["tasks"]


async def keyed(client: Client, first: int) -> list[Json]:
    """Record some purchases, each under a key of its own; return the answers."""
    keys = [(n, f"late-{n}") for n in range(first, first + 5)]
    return [(await client.wish(MOVED, "/v1/purchases", order(n), idempotency_key=key)).body for n, key in keys]


async def is_open(client: Client) -> bool:
    """Say whether facts can be recorded."""
    return bool((await client.read(MOVED, "/v1/ledger"))["open"])


async def in_era(client: Client) -> set[tuple[str, int]]:
    """Return in which era interactions' facts are read, by all readers of all services."""
    services = ("contacts", "interactions", "workflow", "analytics")
    found = [each for s in services for each in (await client.read(s, "/v1/readers"))["readers"]]
    return {(line["source"], line["era"]) for each in found for line in each["lines"] if line["source"] == MOVED}
