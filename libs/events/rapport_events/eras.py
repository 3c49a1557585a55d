"""In which era each ledger is, as readers know it: what its owner says, else what their checkpoints remember."""

from collections.abc import Awaitable, Callable, Collection, Iterable

import structlog
from prometheus_client import Counter

from rapport_events.database import Pool
from rapport_events.ledger import LedgerState
from rapport_events.statements import load
from rapport_events.view import Key

log = structlog.get_logger()

WENT_BACK = Counter(
    "rapport_reader_era_went_back", "Looks at which an owner named an era before the one that was read.", ["source"]
)

Heads = Callable[[str], Awaitable[LedgerState | None]]
"""Asks the owner of a source for its heads; None while it does not answer."""


async def read_eras(pool: Pool, heads: Heads, sources: Collection[str]) -> dict[str, int]:
    """
    Say which era of each source is to be read.

    An owner that is away is believed to be where it was; so is one that names an earlier era, which is an alarm: its
    ledger was set back, and its mirror does not know it yet.
    """
    rows = await pool.fetch(load("rapport_events", "reader/eras"), list(sources))
    eras = dict.fromkeys(sources, 1) | {row["source"]: int(row["era"]) for row in rows}
    for source in sources:
        state = await heads(source)
        if state is not None and state.era < eras[source]:
            WENT_BACK.labels(source).inc()
            log.error("era_went_back", source=source, era=state.era, after=eras[source])
        elif state is not None:
            eras[source] = state.era
    return eras


def newest(lines: Iterable[Key]) -> dict[str, int]:
    """Return the last era of each source among lines of numbers."""
    eras: dict[str, int] = {}
    for source, era, _ in lines:
        eras[source] = max(era, eras.get(source, era))
    return eras
