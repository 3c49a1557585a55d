"""Many timers at once, scheduled by real appends and folded into the view."""

from datetime import datetime
from uuid import UUID

from rapport_events.contracts.workflow import TimerAbout, TimerScheduled
from rapport_events.database import Pool
from rapport_events.ids import CustomerId, new_id, partition_of_customer
from rapport_events.ledger import Append
from rapport_events.postgres_ledger import PostgresLedger, append_within
from rapport_events.reactions import Cause, caused_append
from rapport_events.reader import ViewReader
from rapport_events.testing import NOON, TENANT, arrived
from rapport_events.timers import timer_stream

PAGE = 1_000


async def schedule(keeper: Pool, moments: list[datetime]) -> list[UUID]:
    """Append one timer for each moment, over all partitions; return their ids in the same order."""
    customers = [new_id() for _ in range(200)]
    timers: list[UUID] = []
    appends: list[Append] = []
    for n, due_at in enumerate(moments):
        customer = customers[n % len(customers)]
        timer_id = new_id(partition_of_customer(TENANT, CustomerId(customer)))
        about = TimerAbout(kind="run", id=timer_id)
        event = TimerScheduled(timer_id=timer_id, about=about, due_at=due_at)
        cause = Cause(TENANT, str(customer), str(new_id()), "storm", NOON, NOON)
        appends.append(caused_append(timer_stream(timer_id), [event], cause=cause, actor="test"))
        timers.append(timer_id)
    for start in range(0, len(appends), PAGE):
        async with keeper.acquire() as connection:
            await append_within(connection, [(TENANT, append) for append in appends[start : start + PAGE]])
    return timers


async def fold(keeper: Pool, reader: ViewReader) -> None:
    """Let the view read workflow's own facts from where it stands."""
    ledger = PostgresLedger(service="workflow", keeper=keeper)
    for (_, _, partition), position in sorted(reader.positions.items()):
        after = position
        while facts := await ledger.read_partition(partition, after=after, limit=PAGE):
            await reader.take([arrived(fact) for fact in facts])
            after = facts[-1].position
