"""The tables of a rebuild are made like those of the live one, whatever a migration gave them."""

import re
from collections.abc import Collection, Sequence

import asyncpg
import pytest

from rapport_chassis.service import find_services
from rapport_events.database import open_pool
from rapport_events.rebuild import begin_rebuild, drop, read_rebuilds, register
from rapport_events.statements import load
from tests.conftest import MakeServiceDatabase

SHAPES = {
    "columns": "SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, attgenerated,"
    " attstattarget"
    " FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
    " WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p')",
    "tables": "SELECT relname, relkind, relpersistence, reloptions, relrowsecurity, relforcerowsecurity,"
    " relowner::regrole::text, pg_get_expr(relpartbound, c.oid) FROM pg_class c WHERE relkind IN ('r', 'p')",
    "grants": "SELECT relname, grantee::regrole::text, privilege_type FROM pg_class c, aclexplode(relacl)"
    " WHERE relkind IN ('r', 'p') AND grantee <> relowner",
    "policies": "SELECT tablename AS relname, policyname, permissive, roles, cmd, qual, with_check FROM pg_policies",
    "indexes": "SELECT tablename AS relname, indexdef FROM pg_indexes",
    "constraints": "SELECT relname, contype, pg_get_constraintdef(k.oid)"
    " FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid",
}


LEDGER_WIDE = {"timers_v1_r1", "effects_v1_r1"}
"""Every database has them, for the services that keep them."""
OF_RULES = {"buyers_v1_r1", "consent_words_v1_r1"}
"""What the rules of workflow remember goes with their one checkpoint, and is never rebuilt beside it."""


def _of(rows: Sequence[asyncpg.Record], rebuild: int, unclaimed: Collection[str] = ()) -> list[str]:
    """Return what is said of one rebuild's tables, without its number."""
    mark = re.compile(rf"_r{rebuild}(?=_|\b)")
    return sorted(
        mark.sub("_rN", repr(tuple(row)))
        for row in rows
        if mark.search(row["relname"]) and row["relname"] not in unclaimed
    )


@pytest.mark.parametrize("service", ["contacts", "interactions", "workflow", "analytics"])
async def test_every_table_is_made_again_as_it_is(service: str, make_service_database: MakeServiceDatabase) -> None:
    database = await make_service_database(service)
    [found] = find_services([service])
    models = [view.model for view in found.views if view.tables]
    async with await open_pool(database.keeper, name="tests") as pool:
        await register(pool, found.views)
        for model in models:
            assert await begin_rebuild(pool, model) == 2
            await pool.execute(load("rapport_events", "rebuild/finish_rebuild"), model, 2)

        for what, statement in SHAPES.items():
            rows = await pool.fetch(statement)
            assert _of(rows, 2) == _of(rows, 1, OF_RULES if "timers_v1" in models else LEDGER_WIDE) != [], what

        for model in models:
            assert await drop(pool, model, 2) == "dropped"
        assert {each.rebuild for each in await read_rebuilds(pool, models)} == {1}


@pytest.mark.parametrize("service", ["contacts", "interactions", "workflow", "analytics"])
async def test_every_table_belongs_to_one_read_model(service: str, make_service_database: MakeServiceDatabase) -> None:
    database = await make_service_database(service)
    [found] = find_services([service])
    connection = await asyncpg.connect(database.admin)
    try:
        rows = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relname ~ '_r1$'"
        )
    finally:
        await connection.close()

    named = [f"{table}_r1" for view in found.views for table in view.tables]

    assert len(named) == len(set(named))
    assert {row["relname"] for row in rows} - LEDGER_WIDE - OF_RULES == set(named) - LEDGER_WIDE
