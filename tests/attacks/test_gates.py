"""Two gates for effects have one effect in their hands: whatever the leases say, its receipt is written once."""

import asyncio
from typing import Literal
from unittest.mock import patch

from rapport_events import effects
from rapport_events.contracts.workflow import EffectPerformed
from rapport_events.effects import Due, Impossible, Performed, perform_once
from tests.workflow.gate import decide_mail, know_ann
from tests.workflow.world import World

GATES = 3


class Together:
    """Says yes to all gates at the same moment."""

    kind: Literal["mail"] = "mail"

    def __init__(self) -> None:
        self.keys: list[str] = []
        self._barrier = asyncio.Barrier(GATES)

    async def perform(self, due: Due) -> Performed | Impossible:
        self.keys.append(str(due.key))
        await self._barrier.wait()
        return Performed()


async def let_gates_work_at_once(world: World) -> tuple[list[str], int]:
    """Return the keys that the provider was given, and how many receipts there are."""
    await know_ann(world)
    await decide_mail(world)
    together = Together()

    async def work() -> None:
        # A lease that is over at once: as if each gate had stood still for as long as it lasts. A gate passes by what
        # another is just taking, so each asks until it has it.
        while not await perform_once(world.keeper, {"mail": together}, world.clock, lease_seconds=0):
            continue

    async with asyncio.TaskGroup() as tasks:
        for _ in range(GATES):
            tasks.create_task(work())
    return together.keys, len([event for event in await world.told() if isinstance(event, EffectPerformed)])


async def test_two_gates_that_write_a_receipt_at_once_write_one(world: World) -> None:
    keys, receipts = await let_gates_work_at_once(world)

    assert (len(keys), len(set(keys))) == (GATES, 1)
    assert receipts == 1


async def test_a_receipt_without_a_claim_is_caught(world: World) -> None:
    with patch.object(effects, "effect_claim", return_value=None):
        _, receipts = await let_gates_work_at_once(world)

    assert receipts > 1
