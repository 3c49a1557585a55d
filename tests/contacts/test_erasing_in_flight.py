"""A person is erased while events about them are on their way: in an append, in the ledger, in a batch being folded."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg
import pytest

from rapport_contacts.app import service
from rapport_contacts.erasing import Erasing
from rapport_events.codec import encode, schema_of
from rapport_events.contracts.contacts import (
    CustomerProfileChanged,
    CustomerProfileChangedPii,
    Names,
    Profile,
    ProfileChange,
)
from rapport_events.envelope import Meta
from rapport_events.ids import CustomerId, EventId, new_id, partition_of_customer
from rapport_events.keyring import Erased, SealKey
from rapport_events.ledger import ANY, Append, NewEvent, StreamAppend
from rapport_events.testing import TENANT, arrived
from tests.conftest import MakeServiceDatabase
from tests.contacts.wishes import create, found, shop
from tests.databases import ServiceDatabase
from tests.slices import Slices, open_slices
from tests.waiting import until

PLANTED: Final = ("Quenlivar", "quenlivar@example.org", "555 0199")
GONE: Final = "redacted"
SECONDS: Final = 30
NAMES: Final = Names(display=f"Ann {PLANTED[0]}")


@pytest.fixture
async def database(make_service_database: MakeServiceDatabase) -> ServiceDatabase:
    return await make_service_database("contacts")


@pytest.fixture
async def contacts(database: ServiceDatabase) -> AsyncIterator[Slices]:
    async with open_slices(service, database) as slices:
        yield slices


def under_way(customer: CustomerId, key: SealKey | Erased) -> Append:
    """Seal a new name as a command does whose append has not come to the ledger yet."""
    event_id = EventId(new_id())
    event = CustomerProfileChanged(
        changes=(ProfileChange(field="names"),), pii=CustomerProfileChangedPii(new=Profile(names=NAMES))
    )
    new = NewEvent(
        event_id=event_id,
        type=event.type,
        schema=schema_of(CustomerProfileChanged),
        subject=str(customer),
        data=encode(event, tenant=TENANT, event_id=event_id, key=key),
        meta=Meta("ann", "under-way").to_json(),
        occurred_at=datetime.now(UTC),
    )
    partition = partition_of_customer(TENANT, customer)
    return Append((StreamAppend(f"customer-{customer}", partition, ANY, (new,)),), None, ())


async def readable(contacts: Slices, admin: asyncpg.Connection) -> list[str]:
    """Name the tables in which a planted value stands, and the ledger if it stands there."""
    tables = await admin.fetch(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT LIKE 'pg\\_%'"
        " AND schemaname <> 'information_schema'"
    )
    there: list[str] = []
    for (table,) in tables:
        text = await admin.fetchval(f"SELECT string_agg(t::text, ' ') FROM {table} AS t") or ""  # noqa: S608
        there += [table for value in PLANTED if value.lower() in text.lower()]
    return there + ["ledger" for event in contacts.ledger.events if PLANTED[0].encode() in event.data]


async def begin_to_fold(contacts: Slices, admin: asyncpg.Connection) -> list[asyncio.Task[int]]:
    """Give all facts to all views at once; those with something to do stand still for a lock, with opened keys."""
    facts = [arrived(fact) for fact in contacts.ledger.events]
    folding = [asyncio.create_task(reader.take(facts)) for reader in contacts.readers]

    async def are_waiting() -> bool:
        waiting = await admin.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(waiting == sum(not task.done() for task in folding) > 1)

    await until(are_waiting, seconds=SECONDS, what="every view that reads of her is in the middle of a batch")
    return folding


async def test_who_is_erased_while_events_are_on_their_way_stands_nowhere(
    contacts: Slices, database: ServiceDatabase
) -> None:
    ann = CustomerId(UUID(await create(contacts, "1", name="Ann Young")))
    await create(contacts, "2", name="Bob Young")
    admin, holder = await asyncpg.connect(database.admin), await asyncpg.connect(database.admin)
    key = (await contacts.keyring.seal_keys(TENANT, [ann]))[ann]
    first, second, late = (under_way(ann, key) for _ in range(3))
    preview = await contacts.ask(f"/v1/customers/{ann}/erasure-preview")
    await contacts.wish(f"/v1/customers/{ann}/erase", {"customer_ids": preview["customer_ids"]})
    pool = await asyncpg.create_pool(database.keeper, min_size=0, max_size=2)
    erasing = Erasing(contacts.ledger, pool, contacts.keyring, wait_seconds=0)

    # Ann's new name and addresses are in the ledger; the views have opened them, and are about to write.
    await contacts.ledger.append(TENANT, [first])
    changed = {"customer": shop("1"), "source": "shop", "pii": {"name": PLANTED[0], "emails": [PLANTED[1]]}}
    await contacts.client.post("/v1/customers", json=changed)
    async with holder.transaction():
        await holder.execute("LOCK TABLE checkpoints IN EXCLUSIVE MODE")
        folding = await begin_to_fold(contacts, admin)
        assert await erasing.go_on() == 0, "the keys are destroyed"
        assert isinstance((await contacts.keyring.seal_keys(TENANT, [ann]))[ann], Erased)
        # What was sealed before comes to the ledger now, and after the completion.
        await contacts.ledger.append(TENANT, [second])
    await asyncio.wait_for(asyncio.gather(*folding), SECONDS)
    assert await readable(contacts, admin) != [], "search has been told by those who had her keys already"
    events = len(contacts.ledger.events)
    assert await erasing.go_on() == 1, "the erasure is completed"
    await contacts.ledger.append(TENANT, [late])
    await contacts.fold()

    assert len(contacts.ledger.events) == events + 2
    assert await readable(contacts, admin) == []
    assert await found(contacts, PLANTED[0].lower()) == []
    assert (await contacts.ask(f"/v1/customers/{ann}"))["name"] == GONE
    listed = (await contacts.ask("/v1/customers"))["customers"]
    assert sorted(each["name"] for each in listed) == ["Bob Young", GONE]
    assert await admin.fetchval("SELECT count(*) FROM parked") == 0
    heads = await contacts.ledger.state()
    for reader in contacts.readers:
        reached = [reader.positions[line] for line in sorted(reader.positions) if line[0] == "contacts"]
        assert reached in ([], list(heads.heads)), reader.view.reader
    await pool.close()
    await admin.close()
    await holder.close()
