"""Whatever happens to gates, readers, mirror and database: one receipt for each decision, and no needless call."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Literal, cast
from unittest.mock import patch
from uuid import UUID

import orjson
import pytest

from rapport_events import effects
from rapport_events.effects import Due, Effects, Impossible, NotNow, Performed, perform_once
from rapport_events.envelope import Recorded
from rapport_events.ids import CustomerId, EventId, new_id, partition_of_customer
from rapport_events.ledger import ANY, Append, NewEvent, StreamAppend
from rapport_events.postgres_ledger import PostgresLedger
from rapport_events.reader import ViewReader
from rapport_events.testing import ANN, NOON, TENANT, arrived
from tests.events.appends import META
from tests.simulation import clock, gate_world
from tests.simulation.desks import Desk, desk
from tests.simulation.gate_world import APPROVED, GATE_FAULTS, NOTED, GateWorld
from tests.simulation.ledger_server import LedgerServer
from tests.simulation.nature import Nature
from tests.simulation.plan import draw
from tests.simulation.schedules import quiet
from tests.simulation.world import Violation

__all__ = ["desk"]

SCHEDULES: Final = 300
SEND: Final = UUID(int=0x0192 << 112 | 0x7 << 76 | 0x2 << 62 | partition_of_customer(TENANT, CustomerId(ANN)))
_ENOUGH: Final = 100


def run(seed: int) -> str | None:
    """Run a schedule; return what was wrong."""
    nature = Nature(seed)
    plan = draw(seed, GATE_FAULTS)

    async def live() -> None:
        await GateWorld(nature, plan).run()

    try:
        with quiet(nature):
            clock.run(seed, live())
    except (Violation, ExceptionGroup, clock.Stuck) as error:
        return f"{plan}\n{error}"
    return None


def test_every_decision_has_one_receipt() -> None:
    failures = [(seed, failure) for seed in range(SCHEDULES) if (failure := run(seed)) is not None]

    assert failures == []


async def _no_receipt(*_: object) -> None:
    """Write none."""


def _no_claim(*_: object) -> None:
    """Claim nothing."""


def _change(owner: object, name: str, bug: Any) -> Callable[[], AbstractContextManager[object]]:  # noqa: ANN401  # whatever it replaces
    return lambda: cast("AbstractContextManager[object]", patch.object(owner, name, bug))


_PLANTED: Final[dict[str, Callable[[], AbstractContextManager[object]]]] = {
    "effect without receipt": _change(effects, "_write_receipt", _no_receipt),
    "receipt without a claim": _change(effects, "effect_claim", _no_claim),
    "effect without lease": _change(gate_world, "LEASE_SECONDS", 0.0),
}


@pytest.mark.parametrize("name", _PLANTED)
def test_a_planted_bug_is_found(name: str) -> None:
    with _PLANTED[name]():
        assert any(run(seed) is not None for seed in range(_ENOUGH))


@dataclass
class Willing:
    """Says yes, and remembers to what; or not now."""

    is_busy: bool = False
    done: list[UUID] = field(default_factory=list[UUID])
    kind: Literal["mail"] = "mail"

    async def perform(self, due: Due) -> Performed | Impossible:
        """Do it."""
        if self.is_busy:
            raise NotNow("busy")
        self.done.append(due.key)
        return Performed()


async def decided(desk: Desk, *, of_type: str = APPROVED) -> None:
    """Record a decision, or something else in its stream, and let the view fold all that is recorded."""
    event = NewEvent(
        event_id=EventId(new_id()),
        type=of_type,
        schema="1.0",
        subject=str(ANN),
        data=orjson.dumps({"send_id": str(SEND)}),
        meta=META,
        occurred_at=NOON,
    )
    await desk.append([Append((StreamAppend(f"send-{SEND}", SEND.int & 0xFF, ANY, (event,)),), None, ())])


async def recorded(desk: Desk) -> list[Recorded]:
    real = PostgresLedger(service="workflow", keeper=desk.pool)
    ledger = desk.ledger.memory if isinstance(desk.ledger, LedgerServer) else real
    rows = await ledger.read_partition(SEND.int & 0xFF, after=0, limit=100)
    return [replace(row, source="workflow") for row in rows]


async def test_an_effect_is_leased_performed_and_ended_by_one_receipt(desk: Desk) -> None:
    reader, willing = ViewReader(Effects(), desk.pool), Willing(is_busy=True)
    await reader.begin({"workflow": 1})
    await decided(desk)
    await reader.take([arrived(fact) for fact in await recorded(desk)])
    # Its stream moves on, and the receipt meets another version.
    await decided(desk, of_type=NOTED)

    taken = [await perform_once(desk.pool, {"mail": willing}, lambda: NOON, lease_seconds=0) for _ in range(2)]
    willing.is_busy = False
    later = NOON + timedelta(hours=1)
    taken += [await perform_once(desk.pool, {"mail": willing}, lambda: later, lease_seconds=60) for _ in range(2)]

    assert taken == [1, 0, 1, 0]
    assert willing.done == [SEND]
    assert [fact.type for fact in await recorded(desk)][2:] == ["crm.effect.performed.v1"]
    await reader.take([arrived(fact) for fact in await recorded(desk)])
    assert await perform_once(desk.pool, {"mail": willing}, lambda: later) == 0


async def test_an_effect_whose_claim_is_taken_is_not_performed_again(desk: Desk) -> None:
    reader, willing = ViewReader(Effects(), desk.pool), Willing()
    await reader.begin({"workflow": 1})
    await decided(desk)
    await reader.take([arrived(fact) for fact in await recorded(desk)])

    taken = [await perform_once(desk.pool, {"mail": willing}, lambda: NOON, lease_seconds=0) for _ in range(2)]

    assert taken == [1, 1]
    assert willing.done == [SEND]
    assert len(await recorded(desk)) == 2
