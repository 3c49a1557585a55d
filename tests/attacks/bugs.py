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


_SEQUENCE: Final = "CREATE SEQUENCE public.planted; GRANT USAGE ON SEQUENCE public.planted TO PUBLIC"
_APPENDS: Final = "SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'append%' AND prokind = 'f'"
_FORGETS: Final = """
CREATE FUNCTION planted_forget() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
AS $$ BEGIN
    IF current_setting('planted.remembers', true) IS DISTINCT FROM 'yes' THEN
        DELETE FROM commands WHERE tenant_id = new.tenant_id AND idempotency_key = new.idempotency_key;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER planted AFTER INSERT ON commands FOR EACH ROW EXECUTE FUNCTION planted_forget();
CREATE FUNCTION planted_remember(text, bytea, bytea, smallint[], bigint[], int[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT set_config('planted.remembers', 'yes', true);
    INSERT INTO commands VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp()) ON CONFLICT DO NOTHING;
$$;
"""


async def number_by_a_sequence(admin: str) -> None:
    """Let positions come from a sequence, which neither waits for the last number nor takes one back."""
    connection = await asyncpg.connect(admin)
    try:
        await connection.execute(_SEQUENCE)
        for function in await connection.fetch(_APPENDS):
            text: str = await connection.fetchval("SELECT pg_get_functiondef($1::regprocedure)", function["oid"])
            assert "pg_advisory_xact_lock(" in text
            assert "positions[slot] + 1" in text
            text = text.replace("pg_advisory_xact_lock(", "pg_advisory_xact_lock_shared(")
            await connection.execute(text.replace("positions[slot] + 1", "nextval('public.planted')"))
    finally:
        await connection.close()


async def forget_keys(admin: str) -> None:
    """Let the append function's transaction leave no idempotency rows: a second one is to write them."""
    connection = await asyncpg.connect(admin)
    try:
        await connection.execute(_FORGETS)
    finally:
        await connection.close()


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
