"""Follow ledgers into their eras: each read model is rebuilt from the new topic beside the live one, and takes over."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiokafka.errors import KafkaError

from rapport_events.consuming import Consuming
from rapport_events.database import Pool
from rapport_events.envelope import topic_of
from rapport_events.eras import Heads, read_eras
from rapport_events.faults import is_away
from rapport_events.fork import find_fork
from rapport_events.kafka import find_eras
from rapport_events.ledger import LedgerState
from rapport_events.rebuild import Rebuild, begin_rebuild, drop, read_rebuilds, switch
from rapport_events.statements import load
from rapport_events.view import Key, View

log = structlog.get_logger()

LOOK_SECONDS: Final = 5.0
Positions = Mapping[Key, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """Brings the read models of a service to the eras of the ledgers that they read."""

    views: Sequence[View[Any, Any]]
    pool: Pool
    """As keeper."""
    heads: Heads
    bootstrap: str
    prefix: str = "crm"

    async def run(self, consuming: Consuming, *, look_seconds: float = LOOK_SECONDS) -> None:
        """Look again and again, until cancelled; wait while database or broker is away."""
        while True:
            await consuming.is_assigned.wait()
            try:
                await self.look(consuming)
            except Exception as error:
                if not is_away(error) and not isinstance(error, KafkaError):
                    raise
                log.info("eras_not_followed", error=type(error).__name__)
            await asyncio.sleep(look_seconds)

    async def look(self, consuming: Consuming) -> None:
        """Look once at all read models, and take the next step of each that is not where its sources are."""
        sources = sorted({source for view in self.views for source in view.sources})
        eras = await read_eras(self.pool, self.heads, sources)
        rows = await read_rebuilds(self.pool, [view.model for view in self.views])
        for view in self.views:
            await self._follow(view, [row for row in rows if row.model == view.model], eras, consuming)

    async def _follow(
        self, view: View[Any, Any], rows: Sequence[Rebuild], eras: Mapping[str, int], consuming: Consuming
    ) -> None:
        live = next((row for row in rows if row.state == "live"), None)
        if live is None:
            return
        at = {row.rebuild: await self._positions(row.reader) for row in rows}
        present = {row.rebuild for row in rows if _is_present(at[row.rebuild], view.sources, eras)}
        # One that has only begun has no checkpoints yet.
        past = [row for row in rows if row.rebuild not in present and at[row.rebuild]]
        if not view.tables:
            await self._go_on(view, live, at[live.rebuild], eras, consuming)
        elif live.rebuild in present:
            await self._leave(view, live, past)
        else:
            await self._take_over(view, rows, at, past, eras, {reader.view.reader for reader in consuming.readers})

    async def _take_over(
        self,
        view: View[Any, Any],
        rows: Sequence[Rebuild],
        at: Mapping[int, Positions],
        past: Sequence[Rebuild],
        eras: Mapping[str, int],
        fed: Collection[str],
    ) -> None:
        """Begin a rebuild in the present eras, or let it take over when it is fed and has come to the heads."""
        for row in past:
            if row.state == "filling":
                await drop(self.pool, row.model, row.rebuild)
        beside = [row for row in rows if row not in past]
        if not beside:
            number = await begin_rebuild(self.pool, view.model)
            log.info("era_followed", view=view.model, reader=f"{view.model}_r{number}")
            return
        ready = [row for row in beside if row.reader in fed and await self._has_all(at[row.rebuild], view, eras)]
        if ready:
            outcome = await switch(self.pool, view.model, ready[-1].rebuild)
            log.info("era_taken_over", view=view.model, reader=ready[-1].reader, outcome=outcome)

    async def _leave(self, view: View[Any, Any], live: Rebuild, past: Sequence[Rebuild]) -> None:
        """
        Drop what belongs to former eras.

        Before, everybody is marked about whom old or new tables say something: what only one of them holds has led to
        nothing, or to something that no longer follows.
        """
        if not past:
            return
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(load("rapport_events", "rebuild/take_time"))
            for row in (live, *past):
                await view.again(row.rebuild).mark_all(connection)
        for row in past:
            await drop(self.pool, row.model, row.rebuild)

    async def _go_on(
        self, view: View[Any, Any], live: Rebuild, at: Positions, eras: Mapping[str, int], consuming: Consuming
    ) -> None:
        """
        Let a view without tables, which are the reactions, go on where the new topic leaves what it has seen.

        Nothing is asked twice: what was decided once was decided from what was known then.
        """
        for source in view.sources:
            past = max((era for name, era, _ in at if name == source), default=eras[source])
            if past == eras[source]:
                continue
            seen = {
                partition: position for (name, era, partition), position in at.items() if (name, era) == (source, past)
            }
            state = await self.heads(source)
            if state is None or not _is_sent(state, eras[source], seen):
                continue
            same = await self._fork(source, past, eras[source], seen)
            await self.pool.execute(
                load("rapport_events", "reader/follow"),
                live.reader,
                source,
                eras[source],
                list(same),
                list(same.values()),
            )
            async with consuming.pause():
                for reader in consuming.readers:
                    if reader.view.reader == live.reader:
                        await reader.reload()
            log.info("era_followed", reader=live.reader, source=source, era=eras[source])

    async def _fork(self, source: str, past: int, present: int, seen: Mapping[int, int]) -> dict[int, int]:
        if past not in await find_eras(self.bootstrap, source, self.prefix):
            # The old topic is gone, and with it what could tell: claims alone keep things from happening twice.
            log.warning("era_without_past", source=source, era=past)
            return dict.fromkeys(seen, 0)
        topics = (topic_of(source, past, self.prefix), topic_of(source, present, self.prefix))
        return await find_fork(self.bootstrap, topics, seen)

    async def _has_all(self, at: Positions, view: View[Any, Any], eras: Mapping[str, int]) -> bool:
        """Say whether a rebuild has come to the heads of its ledgers, as their owners named them a moment ago."""
        for source in view.sources:
            state = await self.heads(source)
            if state is None or state.era != eras[source]:
                return False
            if any(at.get((source, state.era, partition), -1) < head for partition, head in enumerate(state.heads)):
                return False
        return True

    async def _positions(self, reader: str) -> Positions:
        rows = await self.pool.fetch(load("rapport_events", "reader/positions"), reader)
        return {(row["source"], row["era"], row["partition"]): row["position"] for row in rows}


def _is_present(at: Positions, sources: Sequence[str], eras: Mapping[str, int]) -> bool:
    """Say whether a reader reads each of its sources in its present era."""
    found: dict[str, int] = defaultdict(int)
    for source, era, _ in at:
        found[source] = max(era, found[source])
    return all(found[source] >= eras[source] for source in sources)


def _is_sent(state: LedgerState, era: int, seen: Mapping[int, int]) -> bool:
    """Say whether the topic of the era holds all that can be the same."""
    return state.era == era and all(
        state.reach[partition] >= min(state.heads[partition], position) for partition, position in seen.items()
    )
