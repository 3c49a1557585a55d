"""One mail for each decision: addressed at the last moment, repeated under the same id alone, never by a replay."""

import asyncio
from datetime import timedelta
from typing import Literal

from rapport_events.contracts.contacts import ConsentWithdrawn
from rapport_events.contracts.workflow import (
    EffectFailed,
    EffectPerformed,
    EffectSkippedDuplicate,
    RunCompleted,
    RunFailed,
    SendApproved,
)
from rapport_events.effects import ATTEMPTS_MAX, Due, Effects, Impossible, Performed, effect_claim, perform_once
from rapport_events.ids import CustomerId
from rapport_events.reader import ViewReader
from rapport_events.testing import ANN, TENANT, arrived
from tests.workflow.gate import EMAIL, decide_mail, know_ann, open_gate
from tests.workflow.world import World

HOUR = timedelta(hours=1)


async def outcomes(world: World) -> list[type]:
    """Return what was told of messages and receipts."""
    return [type(event) for event in await world.told() if event.type.split(".")[1] in {"send", "effect"}]


async def test_a_decision_becomes_one_mail_and_one_receipt(world: World) -> None:
    await know_ann(world)
    await decide_mail(world)
    async with open_gate(world) as gate:
        while await gate.perform():
            pass

        (mail,) = gate.catcher.mails
    assert (mail.to, mail.tenant) == (EMAIL, TENANT)
    assert mail.text.startswith("Dear Ann Archer,")
    assert await outcomes(world) == [SendApproved, EffectPerformed]
    assert RunCompleted in [type(event) for event in await world.told()]
    assert all(EMAIL.encode() not in fact.data for fact in await world.own())


async def test_a_gate_that_dies_before_its_receipt_repeats_the_same_message_id(world: World) -> None:
    await know_ann(world)
    await decide_mail(world)
    async with open_gate(world) as gate:

        class Dying:
            kind: Literal["mail"] = "mail"

            async def perform(self, due: Due) -> Performed | Impossible:
                await gate.performer.perform(due)
                raise asyncio.CancelledError

        await perform_once(world.keeper, {"mail": Dying()}, world.clock)
        assert await gate.perform() == 0, "the lease of the dead one still holds"
        await world.keeper.execute("UPDATE leases SET until = clock_timestamp()")
        await gate.perform()

        assert len(gate.message_ids) == 2
        assert len(set(gate.message_ids)) == 1
    assert await outcomes(world) == [SendApproved, EffectPerformed]


async def test_a_replay_and_a_rebuild_send_nothing(world: World) -> None:
    await know_ann(world)
    await decide_mail(world)
    async with open_gate(world) as gate:
        await gate.perform()
        await world.keeper.execute("DELETE FROM leases")
        own = await world.own()
        decided = [fact for fact in own if fact.type == "crm.send.approved.v1"]
        # The view is folded again from the first fact on, and stands just before the receipt.
        await world.keeper.execute("UPDATE checkpoints SET position = 0 WHERE reader = 'effects_v1_r1'")
        reader = ViewReader(Effects(), world.keeper)
        await reader.begin({"workflow": 1})
        for fact in own:
            if fact.position <= decided[0].position:
                await reader.take([arrived(fact)])
        assert await world.keeper.fetchval("SELECT count(*) FROM effects_v1") == 1
        await gate.perform()

        assert len(gate.message_ids) == 1
    assert await outcomes(world) == [SendApproved, EffectPerformed]


async def test_a_receipt_under_the_same_key_elsewhere_is_said_to_be_one(world: World) -> None:
    await know_ann(world)
    await decide_mail(world)
    (approved,) = [event for event in await world.told() if isinstance(event, SendApproved)]
    await world.keeper.execute(
        "INSERT INTO claims (tenant_id, kind, digest, stream, event_id) VALUES ($1, 'effect', $2, $3, $4)",
        TENANT,
        effect_claim(approved.send_id).digest,
        f"send-{approved.run_id}",
        approved.trigger_event_id,
    )
    async with open_gate(world) as gate:
        await gate.perform()

        assert gate.message_ids == []
    assert await outcomes(world) == [SendApproved, EffectSkippedDuplicate]


async def test_a_withdrawal_after_the_decision_stops_the_mail(world: World) -> None:
    await know_ann(world)
    await decide_mail(world)
    await world.hear(ConsentWithdrawn(purpose="marketing"), stream=f"customer-{ANN}")
    async with open_gate(world) as gate:
        await gate.perform()

        assert gate.message_ids == []
    failed = [event for event in await world.told() if isinstance(event, EffectFailed | RunFailed)]
    assert [event.reason for event in failed] == ["consent_withdrawn"] * 2


async def test_nobody_is_written_to_whose_address_is_gone(world: World) -> None:
    await know_ann(world)
    await decide_mail(world)
    await world.keyring.destroy(TENANT, [CustomerId(ANN)])
    async with open_gate(world) as gate:
        await gate.perform()

        assert gate.message_ids == []
    assert [event.reason for event in await world.told() if isinstance(event, EffectFailed)] == ["no_address"]


async def test_a_provider_that_is_away_is_asked_again_later_and_not_for_ever(world: World) -> None:
    await know_ann(world)
    await decide_mail(world)
    async with open_gate(world, port=1) as gate:
        assert await gate.perform() == 1
        assert await gate.perform() == 0, "it is not yet time"
        tries = 1
        while await outcomes(world) == [SendApproved]:
            world.clock.move(HOUR)
            tries += await gate.perform()

    assert tries == ATTEMPTS_MAX
    (failed,) = [event for event in await world.told() if isinstance(event, EffectFailed)]
    assert (failed.reason, failed.attempt) == ("gave_up", ATTEMPTS_MAX)
