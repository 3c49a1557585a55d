"""One run: a load, faults one after another, and when all is quiet the count."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from rapport_cli.verifying.findings import Account, add_up
from tests.faults.checks import check_books, check_read_models, read_books
from tests.faults.cuts import CANNOT_CUT, CutBroker, can_cut
from tests.faults.disks import FullDisk
from tests.faults.house import House, Kind, house
from tests.faults.load import Load
from tests.faults.plan import Round, draw_plan, quick, slow
from tests.faults.recovery import NotRecovered, Recovery, recovered
from tests.faults.scene import Scene
from tests.faults.watch import Watch
from tests.small_disk import CANNOT_MOUNT

Say = Callable[[str], None]
PER_SECOND: Final = 250.0
_QUIET_SECONDS: Final = 300
_STILL_SECONDS: Final = 3


@dataclass(frozen=True, slots=True)
class Order:
    """What a run shall be."""

    kind: Kind
    seed: int
    commands: int
    kills: int
    per_second: float = PER_SECOND
    batch_max: int = 100
    """How many commands a caller sends together at most."""
    rounds_of_others: int = 1
    """How often each fault comes that kills nobody; 0: only those that are over in a moment, once."""


@dataclass(slots=True)
class Outcome:
    """What came of a run."""

    order: Order
    kills: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])
    recoveries: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    """Seconds from a kill until all was as before; which round that was, and what was wrong last."""
    healings: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    """Seconds from the end of a fault that killed nobody until all was as before."""
    accounts: list[Account] = field(default_factory=list[Account])
    """Of ledgers, topics and read models."""
    failures: list[str] = field(default_factory=list[str])
    """What must not be, besides what the checkers count."""
    counts: dict[str, int] = field(default_factory=dict[str, int])
    seconds: float = 0.0

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failures and all(each.verdict == "ok" and not each.held for each in self.accounts)

    def members(self) -> dict[str, object]:
        """Return it as the report shows it."""
        slowest, which = max(self.recoveries, default=(0.0, ""))
        return {
            "broker": self.order.kind,
            "seed": self.order.seed,
            **self.counts,
            "kills": self.kills.total(),
            "kills_by_victim": dict(sorted(self.kills.items())),
            "faults": dict(sorted(self.faults.items())),
            **{str(kind): count for kind, count in add_up(each.counts for each in self.accounts).items()},
            "recovery_p50_seconds": quantile(self.recoveries, 0.5),
            "recovery_p99_seconds": quantile(self.recoveries, 0.99),
            "recovery_slowest_seconds": round(slowest, 2),
            "recovery_slowest": which,
            "others_healed_seconds": {which: round(seconds, 2) for seconds, which in self.healings},
            "places": {each.place: each.verdict for each in self.accounts},
            "wrong": [f"{found.place}: {found.what}" for each in self.accounts for found in each.findings]
            + [f"{each.place} is behind by {each.behind}" for each in self.accounts if each.behind]
            + [f"{each.place} has set {each.held} records aside" for each in self.accounts if each.held]
            + self.failures,
            "seconds": round(self.seconds),
        }


def quantile(recoveries: Sequence[tuple[float, str]], share: float) -> float:
    """Return the time within which that share of all recoveries was over."""
    ordered = sorted(seconds for seconds, _ in recoveries)
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 2) if ordered else 0.0


async def run(order: Order, folder: Path, say: Say) -> Outcome:
    """Carry a run out."""
    began = time.monotonic()
    outcome = Outcome(order)
    async with house(folder, order.kind) as made:
        plan = _plan(order, made, say)
        load = Load(made, folder / "history.jsonl", order.seed, order.per_second, order.batch_max)
        async with _watching(made) as watch:
            scene = Scene(made, load, watch, Random(f"{order.seed} scene"))  # noqa: S311  # no secret
            async with load.running():
                await recovered(scene, {})
                await _attack(scene, plan, outcome, say)
                await _fill_up(load, order.commands)
            await _until_quiet(watch, outcome)
            outcome.failures += scene.findings
        await _count(scene, outcome)
    outcome.seconds = time.monotonic() - began
    return outcome


def _plan(order: Order, made: House, say: Say) -> list[Round]:
    """Draw what this machine can do, and say what it cannot."""
    chance = Random(f"{order.seed} {order.kind} others")  # noqa: S311  # a repeatable plan, no secret
    others = [fault for _ in range(order.rounds_of_others) for fault in (*quick(chance), *slow(order.kind, chance))]
    if not order.rounds_of_others:
        others = quick(chance)
    if made.disk is None:
        say(CANNOT_MOUNT)
    if not can_cut():
        say(CANNOT_CUT)
    possible = [
        fault
        for fault in others
        if (made.disk or not isinstance(fault, FullDisk)) and (can_cut() or not isinstance(fault, CutBroker))
    ]
    return draw_plan(order.seed, order.kills, order.kind, possible)


async def _attack(scene: Scene, plan: Sequence[Round], outcome: Outcome, say: Say) -> None:
    for number, each in enumerate(plan, 1):
        starts = {name: scene.part(name).starts for name in each.victims}
        began = time.monotonic()
        for fault in each.faults:
            await fault.inject(scene)
        over = time.monotonic()
        for fault in each.faults:
            await fault.undo(scene)
        try:
            healed = await recovered(scene, starts)
        except NotRecovered as error:
            outcome.failures.append(f"{each}: {error}")
            healed = Recovery(time.monotonic(), str(error))
        outcome.faults.update(fault.kind for fault in each.faults)
        outcome.kills.update(each.victims)
        seconds = healed.at - (began if each.victims else over)
        told = f"{each}; last {healed.last}" if healed.last else str(each)
        (outcome.recoveries if each.victims else outcome.healings).append((seconds, told))
        commands = scene.load.counts.commands
        say(f"{number:3} of {len(plan)}  {seconds:5.1f} s  {commands:7,} commands  {told}")


async def _fill_up(load: Load, commands: int) -> None:
    while load.counts.commands < commands:
        await asyncio.sleep(0.1)


async def _until_quiet(watch: Watch, outcome: Outcome) -> None:
    """Wait until nothing is missing anywhere, and nothing more follows."""
    deadline, since = time.monotonic() + _QUIET_SECONDS, None
    while since is None or time.monotonic() - since < _STILL_SECONDS:
        if time.monotonic() > deadline:
            outcome.failures.append(
                f"{_QUIET_SECONDS} s after the last command: open {watch.is_open}, late {watch.late}"
            )
            return
        is_quiet = watch.is_open and not watch.late_seconds
        since = (since or time.monotonic()) if is_quiet else None
        await asyncio.sleep(0.1)


async def _count(scene: Scene, outcome: Outcome) -> None:
    made, counts, told = scene.house, scene.load.counts, scene.load.told()
    books = await read_books(made)
    outcome.accounts = [*await check_books(made, told, books), *await check_read_models(made, scene.strangers)]
    outcome.counts = {
        "commands": counts.commands,
        "acknowledged": counts.ok,
        "refused": counts.failed,
        "unknown": counts.unknown,
        "asked_again": counts.asked_again,
        "reads": counts.reads,
        "events": len(books),
    }
    outcome.failures += counts.stale[:10] + [text for text in counts.surprises if "no answer" in text]


@asynccontextmanager
async def _watching(made: House) -> AsyncGenerator[Watch]:
    watch = Watch(made)
    task = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
