"""
Bugs to be planted that only a real server or a whole process can show; the others are in `tests.simulation.planted`.

Some are changes of the append function, made in one test's database; the others are changes of the code that runs.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final, cast
from unittest.mock import patch

import asyncpg

from rapport_chassis import reading
from rapport_events import appender, effects, postgres_ledger
from rapport_events.database import Connection
from rapport_events.ledger import Appended, Outcome
from rapport_events.packing import Request
from rapport_events.statements import load

# A planted bug is the code under test with one thing changed: it works with what is private there.
# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001

PLAIN_SEQUENCE: Final = "position from a plain sequence"
KEY_OUTSIDE: Final = "idempotency row outside the append's transaction"
NO_RECEIPT: Final = "effect without receipt"
SESSION_TENANT: Final = "tenant setting per session instead of per transaction"

Bug = Callable[[], AbstractContextManager[object]]


async def number_by_a_sequence(admin: str) -> None:
    """Let positions come from a sequence, which neither waits for the last number nor takes one back."""
    connection = await asyncpg.connect(admin)
    try:
        await connection.execute("CREATE SEQUENCE public.planted; GRANT USAGE ON SEQUENCE public.planted TO PUBLIC")
        await _rewrite_append(
            connection,
            {
                "PERFORM pg_advisory_xact_lock(7101, number);": "NULL;",
                "positions[slot] := positions[slot] + 1;": "positions[slot] := nextval('public.planted');",
            },
        )
    finally:
        await connection.close()


async def forget_keys(admin: str) -> None:
    """Let the append function leave idempotency rows to a second call, `planted_remember`."""
    connection = await asyncpg.connect(admin)
    try:
        owner = await connection.fetchval("SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'append'")
        await _rewrite_append(connection, {"IF keys > 0 THEN": "IF false THEN"})
        await connection.execute(
            """CREATE FUNCTION planted_remember(text, bytea, bytea, smallint[], bigint[], int[]) RETURNS void
               LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
               INSERT INTO commands VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp()) ON CONFLICT DO NOTHING $$"""
        )
        await connection.execute(f"ALTER FUNCTION planted_remember OWNER TO {owner}")
    finally:
        await connection.close()


async def _rewrite_append(connection: Connection, changes: dict[str, str]) -> None:
    text: str = await connection.fetchval("SELECT pg_get_functiondef('append'::regproc)")
    for before, after in changes.items():
        assert before in text, f"the append function does not say {before} any more"
        text = text.replace(before, after)
    await connection.execute(text)


def _remember_afterwards() -> AbstractContextManager[object]:
    call = appender._call_append

    async def append_then_remember(connection: Connection, requests: Sequence[Request]) -> list[Outcome]:
        outcomes = await call(connection, requests)
        for (tenant, request), outcome in zip(requests, outcomes, strict=True):
            if request.key is not None and isinstance(outcome, Appended) and not outcome.repeated:
                places = zip(
                    *((place.partition, place.position, place.version) for place in outcome.places), strict=True
                )
                key = (tenant, request.key.digest, request.key.fingerprint)
                await connection.execute("SELECT planted_remember($1, $2, $3, $4, $5, $6)", *key, *map(list, places))
        return outcomes

    return _patched(appender, "_call_append", append_then_remember)


async def _no_receipt(*_: object) -> None:
    """Write none."""


def _load_for_the_session(package: str, name: str) -> str:
    text = load(package, name)
    return text.replace("$1, true)", "$1, false)") if name.endswith("set_tenant") else text


@contextmanager
def _tenant_for_the_session() -> Generator[None]:
    with _patched(reading, "load", _load_for_the_session), _patched(postgres_ledger, "load", _load_for_the_session):
        yield


def _patched(owner: object, name: str, bug: object) -> AbstractContextManager[object]:
    return cast("AbstractContextManager[object]", patch.object(owner, name, bug))


BUGS: Final[dict[str, Bug]] = {
    KEY_OUTSIDE: _remember_afterwards,
    NO_RECEIPT: lambda: _patched(effects, "_write_receipt", _no_receipt),
    SESSION_TENANT: _tenant_for_the_session,
}
"""Changes of the code that runs, for this process or for another (`python -m tests.attacks.process`)."""
