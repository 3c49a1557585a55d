"""The list of customers: the newest first, or those whose name, e-mail address or phone number has a part."""

from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from rapport_chassis.cursors import Cursor, CursorUnknown, Limit, read_cursor, write_cursor
from rapport_chassis.desk import ScopeMissing
from rapport_chassis.moments import NEVER, MomentShown
from rapport_chassis.problems import Refused, away
from rapport_chassis.reading import PERSONAL, ReadAt, Reading
from rapport_chassis.standing import Freshness
from rapport_contacts.errors import QueryTooShort, SearchHasNoPast
from rapport_contacts.profiles import Profile, Rows, read_rows
from rapport_contacts.search_text import Pattern, pattern_of
from rapport_events.database import Connection
from rapport_events.statements import load

SEARCH_FILLING: Final = away("search_filling", "Search is being filled again; lists and cards are there meanwhile.")
FOUND_MAX: Final = 10_000
"""Of what is found, so many can be paged through; who finds more should look for more letters."""
_FILLING_STATE: Final = "RC001"
_LAST_ID: Final = UUID(int=2**128 - 1)

router = APIRouter(tags=["customers"])


class Customers(BaseModel):
    """One page of customers; each party stands in the list once."""

    customers: list[Profile]
    next_cursor: str | None
    is_masked: bool
    moment: MomentShown | None = Field(description="What the answer is about; null: the present.")
    freshness: Freshness


@router.get("/v1/customers")
async def list_customers(
    reading: ReadAt,
    q: Annotated[str, Query(max_length=200, description="Part of a name, an e-mail address, or digits.")] = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Customers:
    """
    List customers, the newest first; with `q` those who are found by it, ordered by name.

    Of a moment of the past it lists who was known then; a party takes one place, and pages may be short of one.
    """
    moment = reading.moment
    if q.strip():
        rows, chosen, following = await _search(reading, q, cursor, limit)
    else:
        rows, chosen, following = await (_newest if moment.is_now else _newest_then)(reading, cursor, limit)
    keys = await reading.keys(rows.key_ids)
    shown = [profile for customer in chosen if (profile := rows.profile(customer, keys))]
    views = ("directory", "parties") if moment.is_now else ("directory", "history", "parties")
    freshness = await reading.freshness(*views)
    return Customers(
        customers=shown,
        next_cursor=following,
        is_masked=reading.is_masked,
        moment=moment.shown(freshness),
        freshness=freshness,
    )


async def _newest(reading: Reading, cursor: str | None, limit: int) -> tuple[Rows, list[UUID], str | None]:
    before = _before(cursor) if cursor else (NEVER, _LAST_ID)
    tenant = reading.caller.tenant
    async with reading.rows() as connection:
        found = await connection.fetch(load("rapport_contacts", "directory/newest"), tenant, *before, limit + 1)
        page = found[:limit]
        chosen = [row["customer_id"] for row in page]
        rows = await read_rows(connection, tenant, chosen)
    more = len(found) > limit
    return rows, chosen, write_cursor(page[-1]["recorded_at"].isoformat(), chosen[-1]) if more else None


async def _newest_then(reading: Reading, cursor: str | None, limit: int) -> tuple[Rows, list[UUID], str | None]:
    tenant, moment = reading.caller.tenant, reading.moment
    as_of, known_at = moment.limits
    statement, latest = ("directory/known_by", known_at) if moment.as_of is None else ("directory/true_by", as_of)
    before = min((latest, _LAST_ID), _before(cursor) if cursor else (NEVER, _LAST_ID))
    arguments = (tenant, *before, limit + 1, *([] if moment.as_of is None else [known_at]))
    async with reading.rows() as connection:
        found = await connection.fetch(load("rapport_contacts", statement), *arguments)
        page = found[:limit]
        rows = await read_rows(connection, tenant, [row["customer_id"] for row in page], moment)
    chosen = [row["customer_id"] for row in page if rows.stands_for_party(row["customer_id"])]
    more = len(found) > limit
    return rows, chosen, write_cursor(page[-1]["at"].isoformat(), page[-1]["customer_id"]) if more else None


def _before(cursor: str) -> tuple[datetime, UUID]:
    moment, customer = read_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(moment).astimezone(UTC), UUID(customer)
    except ValueError:
        raise CursorUnknown from None


async def _search(reading: Reading, q: str, cursor: str | None, limit: int) -> tuple[Rows, list[UUID], str | None]:
    if not reading.moment.is_now:
        raise SearchHasNoPast
    if PERSONAL not in reading.caller.scopes:
        raise ScopeMissing(scope=PERSONAL)
    pattern = pattern_of(q)
    if pattern is None:
        raise QueryTooShort
    skipped = _skipped(cursor) if cursor else 0
    try:
        async with reading.rows() as connection:
            found = await _found(connection, pattern, skipped=skipped, count_max=limit + 1)
            page = found[:limit]
            rows = await read_rows(connection, reading.caller.tenant, page)
            chosen = [customer for customer in page if await _is_first(connection, pattern, customer, rows)]
    except asyncpg.PostgresError as error:
        if error.sqlstate == _FILLING_STATE:
            raise Refused(SEARCH_FILLING) from None
        raise
    more = len(found) > limit and skipped + limit < FOUND_MAX
    return rows, chosen, write_cursor(skipped + limit) if more else None


def _skipped(cursor: str) -> int:
    (text,) = read_cursor(cursor, 1)
    if not text.isdecimal() or int(text) > FOUND_MAX:
        raise CursorUnknown
    return int(text)


async def _is_first(connection: Connection, pattern: Pattern, customer: UUID, rows: Rows) -> bool:
    """Say whether a customer is the first of its party's ids that are found: the others stand for the same party."""
    members = rows.parties[customer].members
    if len(members) == 1:
        return True
    return (await _found(connection, pattern, among=list(members), count_max=1)) == [customer]


async def _found(
    connection: Connection, pattern: Pattern, *, count_max: int, among: list[UUID] | None = None, skipped: int = 0
) -> list[UUID]:
    statement = load("rapport_contacts", "directory/search")
    arguments = (pattern.words, pattern.mail, pattern.digits, among, skipped, count_max)
    return [row["customer_id"] for row in await connection.fetch(statement, *arguments)]
