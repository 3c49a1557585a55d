"""Fills what search compares again from the sealed rows, after a crash or after the keyring was away."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

import structlog

from rapport_contacts.personal import Keys, key_ids_of, personal_of
from rapport_contacts.search_text import SEARCHED, is_searched, search_text
from rapport_events.database import Connection, Pool
from rapport_events.faults import is_away
from rapport_events.ids import TenantId
from rapport_events.keyring import Keyring

log = structlog.get_logger()

PAGE_ROWS: Final = 1_000
LOOK_SECONDS: Final = 2.0
_LOCK: Final = 0x5345_4152_4348  # "SEARCH": one process fills a database's search at a time

Sql = Callable[[str], str]
Row = Mapping[str, object]


async def keep_filled(pool: Pool, keyring: Keyring, sql: Sql) -> None:
    """Fill what is missing, again and again, until cancelled; wait while the database or the keyring is away."""
    while True:
        try:
            await fill(pool, keyring, sql)
        except Exception as error:
            if not is_away(error):
                raise
            log.info("search_not_filled", error=type(error).__name__)
        await asyncio.sleep(LOOK_SECONDS)


async def fill(pool: Pool, keyring: Keyring, sql: Sql) -> int:
    """
    Fill the partitions of the search that need it.

    A customer's later change wins against what is filled in, because rows carry the version that they show; nobody who
    is erased meanwhile comes back.

    Args:
        sql: Gives the statements for one rebuild of the directory.

    Returns:
        Count of partitions that needed it; 0 too where another process is at work on them.
    """
    async with pool.acquire() as connection:
        missing: list[int] = [row["partition"] for row in await connection.fetch(sql("directory/unfilled"))]
        if not missing or not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            return 0
        try:
            await _fill(connection, keyring, sql, missing)
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
    log.info("search_filled", partitions=len(missing))
    return len(missing)


async def _fill(connection: Connection, keyring: Keyring, sql: Sql, partitions: Sequence[int]) -> None:
    await connection.execute(sql("directory/begin_fill"), partitions)
    tenant, customer = "", UUID(int=0)
    while rows := await connection.fetch(sql("directory/fill_page"), partitions, tenant, customer, PAGE_ROWS):
        found = await _searched([dict(row) for row in rows], keyring)
        if found:
            columns = [list(column) for column in zip(*found, strict=True)]
            status = await connection.execute(sql("directory/fill_search"), *columns)
            if int(status.rpartition(" ")[2]) < len(found):
                # Somebody was changed or erased since the page was read.
                continue
        tenant, customer = rows[-1]["tenant_id"], rows[-1]["customer_id"]
    await connection.execute(sql("directory/end_fill"), partitions)


async def _searched(rows: Sequence[Row], keyring: Keyring) -> list[tuple[object, ...]]:
    """Open what search compares, and return the rows of those customers who have anything of it."""
    wanted: dict[TenantId, set[str]] = {}
    kept = [personal_of(row) for row in rows]
    for row, personal in zip(rows, kept, strict=True):
        values = [value for name, value in personal.items() if name in SEARCHED]
        wanted.setdefault(TenantId(str(row["tenant_id"])), set()).update(key_ids_of(values))
    keys: dict[TenantId, Keys] = {tenant: await keyring.open_keys(tenant, ids) for tenant, ids in wanted.items() if ids}
    found: list[tuple[object, ...]] = []
    for row, personal in zip(rows, kept, strict=True):
        tenant = TenantId(str(row["tenant_id"]))
        if not is_searched(personal):
            continue
        texts = [search_text(name, personal.get(name), tenant, keys.get(tenant, {})) for name in SEARCHED]
        found.append((row["partition"], tenant, row["customer_id"], row["version"], *texts))
    return found
