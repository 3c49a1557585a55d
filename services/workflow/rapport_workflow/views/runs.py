"""Runs: what each rule did because of which fact, what it waits for, and how it ended."""

from dataclasses import astuple, dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from rapport_chassis.reading import Read
from rapport_chassis.standing import Freshness
from rapport_events.contracts.workflow import (
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    RunStepCompleted,
    RunWaited,
)
from rapport_events.database import Connection
from rapport_events.parties import members
from rapport_events.statements import load
from rapport_events.view import Batch, Fact, View

PAGE_MAX = 200
State = Literal["active", "completed", "failed", "cancelled"]


class Started(msgspec.Struct):
    """A run begins."""

    run_id: UUID
    rule: str
    rule_version: str
    trigger_event_id: UUID


class Waited(msgspec.Struct):
    """It waits for one thing."""

    run_id: UUID
    until: datetime | None = None
    task_id: UUID | None = None
    send_id: UUID | None = None


class StepDone(msgspec.Struct):
    """A step is over."""

    run_id: UUID
    step: int
    kind: str
    outcome: str


class Completed(msgspec.Struct):
    """All is done."""

    run_id: UUID


class Stopped(msgspec.Struct):
    """It ended before its end."""

    run_id: UUID
    reason: str


class Step(msgspec.Struct, frozen=True):
    """A step as the list shows it."""

    step: int
    kind: str
    outcome: str
    at: datetime
    event_id: str


_STEPS = msgspec.json.Decoder(tuple[Step, ...])
Key = tuple[str, UUID]
"""Tenant and run."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the list shows it; the columns of the table, in their order."""

    customer: UUID
    event_id: UUID
    rule: str
    rule_version: str
    trigger_event_id: UUID
    started_at: datetime
    state: State = "active"
    steps: str = "[]"
    waits_for: str | None = None
    waits_until: datetime | None = None
    reason: str | None = None
    ended_at: datetime | None = None


class Runs(View[list[Key], dict[Key, Run]]):
    """One row for each run."""

    name = "runs"
    package = "rapport_workflow"
    reads: ClassVar = {
        RunStarted: Started,
        RunWaited: Waited,
        RunStepCompleted: StepDone,
        RunCompleted: Completed,
        RunFailed: Stopped,
        RunCancelled: Stopped,
    }

    def keys(self, batch: Batch) -> list[Key]:
        """Name the runs that were there before this batch."""
        begun = {(fact.tenant, fact.event.run_id) for fact in batch if isinstance(fact.event, Started)}
        return sorted({(fact.tenant, fact.event.run_id) for fact in batch} - begun)

    async def load(self, connection: Connection, keys: list[Key]) -> dict[Key, Run]:
        """Read them."""
        if not keys:
            return {}
        rows = await connection.fetch(self.sql("runs/load"), *map(list, zip(*keys, strict=True)))
        return {(tenant, run_id): Run(*rest) for tenant, run_id, *rest in (tuple(row) for row in rows)}

    def fold(self, state: dict[Key, Run], batch: Batch) -> dict[Key, Run]:
        """Follow each run."""
        for fact in batch:
            key = (fact.tenant, fact.event.run_id)
            if isinstance(fact.event, Started):
                event = fact.event
                what = (event.rule, event.rule_version, event.trigger_event_id)
                state[key] = Run(UUID(fact.subject), UUID(fact.event_id), *what, fact.occurred_at)
            else:
                state[key] = _follow(state[key], fact)
        return state

    async def write(self, connection: Connection, state: dict[Key, Run]) -> None:
        """Store them as they are now."""
        rows = [(*key, *astuple(run)) for key, run in sorted(state.items(), key=lambda item: item[0])]
        await connection.execute(self.sql("runs/set"), *map(list, zip(*rows, strict=True)))


def _follow(run: Run, fact: Fact) -> Run:
    at = fact.occurred_at
    match fact.event:
        case Waited(until=until, task_id=task_id):
            waits_for = "time" if until is not None else "task" if task_id is not None else "mail"
            return replace(run, waits_for=waits_for, waits_until=until)
        case StepDone(step=step, kind=kind, outcome=outcome):
            steps = (*_STEPS.decode(run.steps), Step(step, kind, outcome, at, fact.event_id))
            return replace(run, waits_for=None, waits_until=None, steps=msgspec.json.encode(steps).decode())
        case Completed():
            return replace(run, state="completed", waits_for=None, waits_until=None, ended_at=at)
        case Stopped(reason=reason):
            state: State = "failed" if fact.type.endswith("failed.v1") else "cancelled"
            return replace(run, state=state, waits_for=None, waits_until=None, reason=reason, ended_at=at)
        case _:
            msg = f"{fact.type} is no event of a run"
            raise TypeError(msg)


class StepShown(BaseModel):
    """A step that came to its end."""

    step: int
    kind: Literal["wait", "task", "mail"]
    outcome: str
    at: datetime
    event_id: UUID


class RunRow(BaseModel):
    """What a rule did because of a fact."""

    run_id: UUID
    customer_id: UUID
    event_id: UUID = Field(description="The event with which it began.")
    rule: str
    rule_version: str
    trigger_event_id: UUID
    started_at: datetime
    state: State
    steps: list[StepShown]
    waits_for: Literal["time", "task", "mail"] | None
    waits_until: datetime | None
    reason: str | None = Field(description="Why it failed or was cancelled.")
    ended_at: datetime | None


class RunPage(BaseModel):
    """Runs, the newest first."""

    runs: list[RunRow]
    cursor: str | None = Field(description="For the next page; null where there is none.")
    freshness: Freshness


router = APIRouter(prefix="/v1", tags=["runs"])


@router.get("/runs", operation_id="list_runs")
async def list_runs(
    read: Read,
    customer: UUID | None = None,
    state: State | None = None,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
) -> RunPage:
    """List runs of the tenant, or of one customer with all ids that are the same party."""
    async with read.rows() as connection:
        ids = await members(connection, read.caller.tenant, customer) if customer else None
        rows = await connection.fetch(load("rapport_workflow", "runs/page"), ids, state, cursor, limit + 1)
    runs = [RunRow.model_validate({**row, "steps": msgspec.json.decode(row["steps"])}) for row in rows[:limit]]
    return RunPage(
        runs=runs,
        cursor=str(runs[-1].run_id) if len(rows) > limit else None,
        freshness=await read.freshness("runs", "parties"),
    )
