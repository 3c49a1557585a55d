"""Rewrites the files of search from which somebody was deleted, as soon as nobody can see the deleted rows any more."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from rapport_events.database import Connection, Pool
from rapport_events.faults import is_away

log = structlog.get_logger()

LOOK_SECONDS: Final = 1.0
_PATIENCE: Final = "10min"

Sql = Callable[[str], str]


async def keep_rewritten(pool: Pool, sql: Sql, rebuild: int) -> None:
    """Rewrite what is due, again and again, until cancelled; wait while the database is away or somebody searches."""
    while True:
        try:
            await rewrite(pool, sql, rebuild)
        except Exception as error:
            if not is_away(error):
                raise
            log.info("search_not_rewritten", error=type(error).__name__)
        await asyncio.sleep(LOOK_SECONDS)


async def rewrite(pool: Pool, sql: Sql, rebuild: int) -> int:
    """
    Rewrite the partitions of one rebuild's search that wait for it; searches wait meanwhile, some 2 s for 30,000 rows.

    Returns:
        Count of partitions rewritten.
    """
    async with pool.acquire() as connection:
        due = await connection.fetch(sql("directory/rewrites_due"), rebuild)
        for row in due:
            await _rewrite(connection, sql, row["partition"])
            await connection.execute(sql("directory/rewritten"), rebuild, row["partition"], row["deleted_by"])
            log.info("search_rewritten", partition=row["partition"])
    return len(due)


async def _rewrite(connection: Connection, sql: Sql, partition: int) -> None:
    await connection.execute(sql("directory/patience"), _PATIENCE)
    # The name of a table is no value, so it cannot be a parameter.
    await connection.execute(sql("directory/rewrite").replace("_pK", f"_p{partition}"), timeout=600)
