"""How long after its commit a fact is visible in another service, at 500 facts a second."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from benchmarks.suite import Suite, running

RATE = 500
TOGETHER = 10
"""Facts in one request, so that the sender does not take the processor from what is measured."""
SECONDS = 20
WARM_SECONDS = 5


@dataclass
class Run:
    """What was sent, and how long it took to be seen."""

    delays: list[float] = field(default_factory=list[float])
    errors: int = 0


async def measure_in(suite: Suite) -> Run:
    """Record contacts at a steady rate; now and then follow one until analytics shows it."""
    run, token = Run(), suite.token("bench")
    headers = {"Authorization": f"Bearer {token}"}
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(headers=headers, limits=limits, timeout=10) as client:
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for n in range(RATE * (WARM_SECONDS + SECONDS) // TOGETHER):
                await asyncio.sleep(max(0.0, began + n * TOGETHER / RATE - time.perf_counter()))
                is_followed = n * TOGETHER > RATE * WARM_SECONDS and n % 5 == 0
                group.create_task(_record(client, suite, run, is_followed=is_followed))
    return run


async def _record(client: httpx.AsyncClient, suite: Suite, run: Run, *, is_followed: bool) -> None:
    wishes = [
        {
            "command": "record_contact",
            "body": {"customer": {"id": str(uuid4())}, "channel": "phone", "direction": "inbound"},
        }
        for _ in range(TOGETHER)
    ]
    answer = await client.post(
        f"{suite.url('interactions')}/v1/commands:batch",
        content="\n".join(json.dumps(wish) for wish in wishes),
        headers={"Content-Type": "application/x-ndjson"},
    )
    committed = time.perf_counter()
    if not answer.is_success:
        run.errors += 1
    elif is_followed:
        after = answer.headers["Rapport-Position"]
        parameters: dict[str, str | int] = {"limit": 1, "after": after}
        seen = await client.get(f"{suite.url('analytics')}/v1/facts/contacts", params=parameters)
        run.delays.append(time.perf_counter() - committed)
        run.errors += not seen.is_success


def measure() -> dict[str, object]:
    """Start a suite, and measure in it."""
    with running() as suite:
        run = asyncio.run(measure_in(suite))
    ordered = sorted(run.delays)
    p99, median = ordered[int(len(ordered) * 0.99)] * 1_000, ordered[len(ordered) // 2] * 1_000
    return {
        "name": "visible_elsewhere_p99",
        "ratio": round(p99 / 20, 3),
        "value": round(p99, 1),
        "unit": "ms",
        "reference": f"20 ms; median {median:.1f} ms of {len(ordered)}, {run.errors} errors",
        "goal": 1.0,
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
