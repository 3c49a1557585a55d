"""Answers to idempotency keys are kept for 30 days."""

import asyncpg

from rapport_events.ledger import Appended, KeyReused
from rapport_events.retention import forget_commands
from tests.events.appends import beginning, key, request
from tests.events.ledger_contract import one
from tests.events.postgres_desk import PostgresDesk


async def test_answers_older_than_30_days_are_forgotten(desk: PostgresDesk) -> None:
    for name in ("old", "young"):
        await one(desk.ledger, request(beginning(), key=key(name)))
    admin = await asyncpg.connect(desk.database.admin)
    await admin.execute(
        "UPDATE commands SET recorded_at = recorded_at - interval '30 days 1 minute' WHERE idempotency_key = $1",
        key("old").digest,
    )
    await admin.close()

    async with desk.keeper.acquire() as connection:
        first, second = await forget_commands(connection), await forget_commands(connection)

    assert (first, second) == (1, 0)
    assert isinstance(await one(desk.ledger, request(beginning(), key=key("old", "other"))), Appended)
    assert await one(desk.ledger, request(beginning(), key=key("young", "other"))) == KeyReused()
