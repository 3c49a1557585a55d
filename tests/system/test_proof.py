"""`rapport verify --rebuild` makes every read model anew, finds it as it was, and leaves nothing behind."""

import orjson

from tests.system.client import Client
from tests.system.standing import settle
from tests.system.story import whole_day
from tests.system.suites import OWNERS, Suite

VERIFY_SECONDS = 240


async def test_every_read_model_is_as_its_facts_make_it(suite: Suite, client: Client, tenant: str) -> None:
    await whole_day(client)
    await settle(suite)
    before = await rebuilds(suite)

    order = ["verify", "--wait", "60", "--rebuild", "--tenant", tenant, "--json"]
    said = await suite.verb(*order, tenant=tenant, seconds=VERIFY_SECONDS)

    assert said.code == 0, said.out + said.error
    report = orjson.loads(said.out)
    assert not any(report["counts"].values())
    anew = {place["place"]: place["facts"] for place in report["places"] if place["place"].endswith(" made anew")}
    assert len(anew) == len([each for each in before if ".reactions_" not in each])
    assert sum(anew.values()) > 0
    assert await rebuilds(suite) == before


async def rebuilds(suite: Suite) -> list[str]:
    """Name the rebuilds that there are, by service."""
    found: list[str] = []
    for service in OWNERS:
        connection = await suite.connect(service)
        try:
            rows = await connection.fetch("SELECT reader FROM rebuilds WHERE state <> 'dropped' ORDER BY reader")
        finally:
            await connection.close()
        found += [f"{service}.{row['reader']}" for row in rows]
    return found
