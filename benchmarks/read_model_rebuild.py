"""Fill another rebuild of analytics' totals from the topic, beside consuming the same records and COPYing them raw."""

import json
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial

import uvloop

from benchmarks.read_model_live import EVENTS, ROUNDS, publish, purchases, run_raw, settle, shop
from rapport_analytics.views.totals import Totals
from rapport_events.database import open_pool
from rapport_events.envelope import Recorded
from rapport_events.filling import Filler
from rapport_events.reader import ViewReader
from rapport_events.rebuild import begin_rebuild, drop
from rapport_events.scanner import read_partitions
from rapport_events.view import Key

MODEL = Totals().model


async def run_rebuild(bootstrap: str, dsn: str, events: Sequence[Recorded]) -> float:
    """Fill one rebuild from the first position on, as it is done beside a live one; return the seconds."""
    pool = await open_pool(dsn, name="bench", connections_max=4)
    await ViewReader(Totals(), pool).begin({"interactions": 1})
    heads: Counter[Key] = Counter((event.source, event.era, event.partition) for event in events)

    async def goals() -> dict[Key, int]:
        return dict(heads)

    filler = Filler(service="analytics", pool=pool, keyring=None, scan=partial(read_partitions, bootstrap))
    began = time.perf_counter()
    number = await begin_rebuild(pool, MODEL)
    assert number is not None
    await filler.fill([Totals(number)], {"interactions": 1}, goals)
    seconds = time.perf_counter() - began
    count = await pool.fetchval(f"SELECT sum(purchases) FROM totals_v1_r{number}")  # noqa: S608  # a number of ours
    assert count == EVENTS, count
    await drop(pool, MODEL, number)
    await pool.close()
    return seconds


async def measure() -> dict[str, object]:
    """Run both in turn; the medians are compared."""
    settle()
    async with shop() as (bootstrap, dsn):
        events = purchases()
        await publish(bootstrap, events)
        raw: list[float] = []
        rebuilt: list[float] = []
        for _ in range(ROUNDS):
            raw.append(await run_raw(bootstrap, dsn))
            rebuilt.append(await run_rebuild(bootstrap, dsn, events))
    seconds, reference = statistics.median(rebuilt), statistics.median(raw)
    return {
        "name": "read_model_rebuild",
        "ratio": round(reference / seconds, 3),
        "value": round(EVENTS / seconds),
        "unit": "events/s",
        "reference": f"consume and COPY raw: {EVENTS / reference:.0f} events/s",
        "goal": 1.6,
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(measure())))
