"""A complaint opens one task, however often it is delivered, and whoever reacts."""

from uuid import UUID

from rapport_events.contracts.interactions import CustomerComplained
from rapport_events.database import Pool
from rapport_events.envelope import Recorded
from rapport_events.ids import CustomerId, new_id, partition_of_customer
from rapport_events.reader import ViewReader
from rapport_events.testing import ANN, BOB, CLEO, TENANT, Lines, arrived
from rapport_workflow.app import WorkflowReactions

CASE = UUID("01920000-0000-7000-8000-00000000001f")


def complaint() -> Recorded:
    event = CustomerComplained(case_id=CASE, category="delivery", channel="email")
    return Lines().next(event, stream=f"case-{CASE}", subject=str(ANN))


async def test_a_complaint_opens_a_task_that_names_its_cause(keeper: Pool) -> None:
    reader = ViewReader(WorkflowReactions(), keeper)
    await reader.begin({"interactions": 1})
    event = complaint()

    await reader.take([arrived(event)] * 2)

    (row,) = await keeper.fetch(
        "SELECT type, subject, data -> 'about' ->> 'id' AS about, meta ->> 'causation' AS cause,"
        " recorded_at > $1 AS is_after FROM events"
        " WHERE type LIKE 'crm.task%'",
        event.recorded_at,
    )
    assert tuple(row) == ("crm.task.created.v1", str(ANN), str(CASE), str(event.event_id), True)


async def test_a_second_reader_that_begins_anew_opens_no_second_task(keeper: Pool) -> None:
    event = complaint()
    for rebuild in (1, 2):
        reader = ViewReader(WorkflowReactions(rebuild), keeper)
        await reader.begin({"interactions": 1})
        await reader.take([arrived(event)])

    assert await keeper.fetchval("SELECT count(*) FROM events WHERE type = 'crm.task.created.v1'") == 1


async def test_the_steps_of_the_reader_are_remembered(keeper: Pool) -> None:
    reader = ViewReader(WorkflowReactions(), keeper)
    await reader.begin({"interactions": 1})
    event = complaint()

    await reader.take([arrived(event)])

    row = await keeper.fetchrow("SELECT partition, step, source, position_from, position_to FROM steps")
    assert row is not None
    assert tuple(row) == (event.partition, 1, "interactions", 1, 1)


async def test_a_fact_that_cannot_be_answered_parks_nobody_else(keeper: Pool) -> None:
    reader = ViewReader(WorkflowReactions(), keeper)
    await reader.begin({"interactions": 1})
    lines = Lines()
    facts: list[Recorded] = []
    for customer in (BOB, ANN, CLEO):
        partition = 30 if customer is ANN else partition_of_customer(TENANT, CustomerId(customer))
        case = new_id(partition)
        event = CustomerComplained(case_id=case, category="delivery", channel="email")
        facts.append(lines.next(event, stream=f"case-{case}", subject=str(customer)))

    await reader.take([arrived(fact) for fact in facts])

    parked = await keeper.fetch("SELECT subject FROM parked")
    opened = await keeper.fetch("SELECT subject FROM events WHERE type = 'crm.task.created.v1'")
    assert [row["subject"] for row in parked] == [str(ANN)], "her case lies in a partition that is not hers"
    assert {row["subject"] for row in opened} == {str(BOB), str(CLEO)}
