"""Every read model of a suite is made anew under load: no read fails, no answer goes back, nothing follows from it."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Final

from tests.system.client import Client, Json
from tests.system.standing import settle
from tests.system.story import NOON, whole_day
from tests.system.suites import OWNERS, Suite
from tests.waiting import until

Say = Callable[[str], None]

QUIET: Final = 40
BUSY: Final = 10
READS: Final = 1_000
SECONDS: Final = 120


def someone(number: int) -> Json:
    return {"system": "shop", "external_id": f"person {number}"}


def sale(number: int, order: str) -> Json:
    body = {
        "customer": someone(number),
        "external": {"system": "shop", "id": order},
        "total": "2.50",
        "currency": "EUR",
    }
    return {"command": "record_purchase", "body": {"at": NOON, **body}}


def complaint(number: int) -> Json:
    body = {"customer": someone(number), "external": {"system": "shop", "id": f"complaint {number}"}}
    more = {"category": "delivery", "channel": "email", "pii": {"text": "Where is it?"}}
    return {"command": "file_complaint", "body": {"at": NOON, **body, **more}}


async def fill(client: Client) -> list[str]:
    """Let people become known and buy; return the ids of those who do nothing afterwards."""
    people = range(QUIET + BUSY)
    created = [
        {"command": "create_customer", "body": {"customer": someone(n), "source": "shop", "pii": {"name": f"Zoe {n}"}}}
        for n in people
    ]
    answers = await client.batch("contacts", created)
    await client.batch("interactions", [sale(n, f"order {n}.{m}") for n in people for m in range(10)])
    await client.batch("interactions", [complaint(n) for n in people])
    return [str(answer["id"]) for answer in answers[:QUIET]]


def questions(customers: list[str]) -> list[tuple[str, str]]:
    """Ask of each customer all that a page shows, and search for the names."""
    asked = [
        (service, path.format(customer=customer))
        for customer in customers
        for service, path in (
            ("contacts", "/v1/customers/{customer}"),
            ("interactions", "/v1/customers/{customer}/timeline"),
            ("analytics", "/v1/customers/{customer}/totals"),
            ("analytics", "/v1/customers/{customer}/stage"),
            ("workflow", "/v1/tasks?customer={customer}"),
        )
    ]
    return [*asked, ("contacts", "/v1/customers?q=Zoe+1")]


async def answer_to(client: Client, question: tuple[str, str]) -> str:
    told = await client.read(*question)
    return json.dumps({name: value for name, value in told.items() if name != "freshness"}, sort_keys=True)


@dataclass
class Reads:
    """What was asked meanwhile."""

    count: int = 0
    changed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    seconds: list[float] = field(default_factory=list[float])

    @property
    def p99(self) -> float:
        return quantiles(self.seconds, n=100)[-1] * 1_000


async def keep_reading(client: Client, known: dict[tuple[str, str], str], reads: Reads) -> None:
    for question in itertools.cycle(known):
        began = time.perf_counter()
        if await answer_to(client, question) != known[question]:
            reads.changed.append(question)
        reads.seconds.append(time.perf_counter() - began)
        reads.count += 1


async def keep_buying(client: Client) -> None:
    for number in itertools.count():
        await client.batch("interactions", [sale(QUIET + n, f"later {number}.{n}") for n in range(BUSY)])
        await asyncio.sleep(0.1)


@asynccontextmanager
async def meanwhile(client: Client, known: dict[tuple[str, str], str]) -> AsyncGenerator[Reads]:
    """Buy and read, by two readers, until it is left; whatever fails there fails the test."""
    reads = Reads()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(keep_reading(client, known, reads)) for _ in range(2)]
        tasks.append(group.create_task(keep_buying(client)))
        yield reads
        for task in tasks:
            task.cancel()


async def rebuilds(client: Client) -> list[tuple[str, Json]]:
    return [(service, row) for service in OWNERS for row in (await client.read(service, "/v1/views"))["rebuilds"]]


async def live(client: Client) -> dict[tuple[str, str], int]:
    """Return which rebuild of each read model is the one that is read."""
    found = await rebuilds(client)
    return {(service, row["model"]): row["rebuild"] for service, row in found if row["state"] == "live"}


async def begin_all(client: Client) -> dict[tuple[str, str], int]:
    """Begin a rebuild of every read model."""
    begun: dict[tuple[str, str], int] = {}
    for service, row in await rebuilds(client):
        answer = await client.post(service, f"/v1/views/{row['model']}/rebuild", {})
        if answer.status_code == 409:
            assert answer.json()["code"] == "nothing_to_rebuild"
            continue
        begun[service, row["model"]] = answer.json()["rebuild"]
    return begun


async def until_compared(client: Client, begun: dict[tuple[str, str], int]) -> None:
    async def are_compared() -> bool:
        rows = {(service, row["model"], row["rebuild"]): row for service, row in await rebuilds(client)}
        return all(rows[(*model, number)]["verified_at"] for model, number in begun.items())

    await until(are_compared, seconds=SECONDS, what="all rebuilds are filled and compared")


async def heads(client: Client) -> dict[str, list[int]]:
    return {service: (await client.read(service, "/v1/ledger"))["heads"] for service in OWNERS}


async def test_every_read_model_is_made_anew_under_load(suite: Suite, client: Client, say: Say) -> None:
    await whole_day(client)
    quiet = await fill(client)
    await settle(suite)
    known = {question: await answer_to(client, question) for question in questions(quiet)}
    async with meanwhile(client, known) as before:
        await until(lambda: before.count >= READS // 4, seconds=SECONDS, what="enough was read before")

    async with meanwhile(client, known) as reads:
        was_live = await live(client)
        begun = await begin_all(client)
        await until_compared(client, begun)
        for (service, model), number in begun.items():
            switched = await client.post(service, f"/v1/views/{model}/switch", {"rebuild": number})
            assert switched.status_code == 200, switched.text
        at_switch = reads.count
        await until(lambda: reads.count >= max(READS, at_switch + 200), seconds=SECONDS, what="enough was read")

    say(f"{reads.count:,} reads, p99 {reads.p99:.0f} ms; before {before.p99:.0f} ms; {len(begun)} read models")
    assert reads.changed == []
    rows = [(service, row) for service, row in await rebuilds(client) if begun.get((service, row["model"])) is not None]
    assert {row["state"] for _, row in rows if row["rebuild"] in begun.values()} <= {"live", "beside"}
    assert [row["reader"] for _, row in rows if row["rows_differing"]] == []
    await settle(suite)
    await verified_again(client, {model: was_live[model] for model in begun})


async def verified_again(client: Client, old: dict[tuple[str, str], int]) -> None:
    """Compare what was read before with what is read now, once all has come to rest, and take it away."""
    for service, model in old:
        assert (await client.post(service, f"/v1/views/{model}/verify", {})).status_code == 202
    await until_compared(client, old)
    assert [row["reader"] for _, row in await rebuilds(client) if row["rows_differing"]] == []
    for (service, model), number in old.items():
        assert (await client.post(service, f"/v1/views/{model}/drop", {"rebuild": number})).status_code == 200


async def test_nothing_follows_from_a_rebuild(suite: Suite, client: Client) -> None:
    await whole_day(client)
    await settle(suite)
    recorded = await heads(client)

    was_live = await live(client)
    begun = await begin_all(client)
    await until_compared(client, begun)
    for (service, model), number in begun.items():
        assert (await client.post(service, f"/v1/views/{model}/switch", {"rebuild": number})).status_code == 200
    await settle(suite)

    assert await heads(client) == recorded
    for service, model in begun:
        number = was_live[service, model]
        assert (await client.post(service, f"/v1/views/{model}/drop", {"rebuild": number})).status_code == 200
