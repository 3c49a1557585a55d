"""Whether all read models of a suite show all that its ledgers hold."""

from collections.abc import Mapping

from rapport_chassis.service import find_services
from tests.system.client import Client
from tests.system.suites import OWNERS, Suite
from tests.waiting import until

CATCH_UP_SECONDS = 60

Heads = Mapping[str, list[int]]


async def settle(suite: Suite, *, seconds: float = CATCH_UP_SECONDS) -> None:
    """
    Wait until every reader stands at the head of every ledger, and nothing more follows from that.

    Asked of the ledgers and the checkpoints themselves: what the services say of their lag is a moment old.
    """
    async with suite.client("settling") as client:

        async def is_settled() -> bool:
            heads = await _heads(client)
            if not heads or await _behind(suite, heads) or await _has_marks(suite):
                return False
            # What a reader decides is recorded before it says that it has read.
            return heads == await _heads(client)

        await until(is_settled, seconds=seconds, what="all readers stand at the heads of all ledgers")


async def behind(suite: Suite) -> list[str]:
    """Name the readers that have not reached the heads."""
    async with suite.client("settling") as client:
        return await _behind(suite, await _heads(client))


async def _heads(client: Client) -> Heads:
    heads: dict[str, list[int]] = {}
    for service in OWNERS:
        if not await client.is_answered(service, "/v1/ledger"):
            return {}
        heads[service] = (await client.read(service, "/v1/ledger"))["heads"]
    return heads


async def _behind(suite: Suite, heads: Heads) -> list[str]:
    late: list[str] = []
    for service in OWNERS:
        connection = await suite.connect(service)
        try:
            rows = await connection.fetch("SELECT reader, source, partition, position FROM checkpoints")
            live = await connection.fetch("SELECT model, reader FROM rebuilds WHERE state = 'live'")
        finally:
            await connection.close()
        at = {(row["reader"], row["source"], row["partition"]): row["position"] for row in rows}
        late += [
            f"{reader}: {source} {partition} at {at.get((reader, source, partition), 0)} of {head}"
            for reader, sources in _readers(service, {row["model"]: row["reader"] for row in live}).items()
            for source in sources
            for partition, head in enumerate(heads[source])
            if at.get((reader, source, partition), 0) < head
        ]
    return late


async def _has_marks(suite: Suite) -> bool:
    connection = await suite.connect("analytics")
    try:
        return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM marks)"))
    finally:
        await connection.close()


def _readers(service: str, live: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    (found,) = find_services([service])
    return {live.get(view.model, view.reader): tuple(view.sources) for view in found.views}
