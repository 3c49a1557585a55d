"""A large first purchase is thanked for: after a wait, by a mail, if the customer agrees at that moment."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from rapport_events.contracts.base import Event
from rapport_events.contracts.contacts import ConsentGranted, ConsentWithdrawn, CustomerIdentityLinked
from rapport_events.contracts.interactions import CustomerPurchased
from rapport_events.contracts.workflow import (
    EffectFailed,
    EffectPerformed,
    RunCompleted,
    RunFailed,
    RunStarted,
    RunStepCompleted,
    RunWaited,
    SendApproved,
    SendBlocked,
    TimerFired,
    TimerScheduled,
)
from rapport_events.ids import CustomerId
from rapport_events.testing import ANN, BOB, NOON
from tests.workflow.world import World

DAY = timedelta(days=1)
WAIT = 3 * DAY
GRANTED = ConsentGranted(purpose="marketing", channel="email", wording_version="1")
WITHDRAWN = ConsentWithdrawn(purpose="marketing")
WAITING = [RunStarted, RunWaited, TimerScheduled]


def purchase(n: int = 1, total: str = "100", currency: str = "EUR") -> CustomerPurchased:
    purchase_id = UUID(f"01920000-0000-7000-8000-00000000{n:02d}1f")
    return CustomerPurchased(purchase_id=purchase_id, total=Decimal(total), currency=currency)


async def buy(world: World, bought: CustomerPurchased, *, by: UUID = ANN) -> UUID:
    fact = await world.hear(bought, stream=f"purchase-{bought.purchase_id}", subject=by)
    return fact.event_id


async def say(world: World, word: Event, *, by: UUID = ANN) -> UUID:
    return (await world.hear(word, stream=f"customer-{by}", subject=by)).event_id


async def kinds(world: World) -> list[type]:
    return [type(event) for event in await world.told()]


async def last(world: World, kind: type[Event]) -> Event:
    return [event for event in await world.told() if isinstance(event, kind)][-1]


async def test_a_mail_is_approved_after_the_wait_by_the_consent_that_allows_it(world: World) -> None:
    consent = await say(world, GRANTED)
    trigger = await buy(world, purchase())
    await world.pass_time(WAIT - DAY)
    assert await kinds(world) == WAITING

    await world.pass_time(DAY)

    assert await kinds(world) == [*WAITING, TimerFired, RunStepCompleted, RunWaited, SendApproved]
    approved = await last(world, SendApproved)
    assert isinstance(approved, SendApproved)
    assert (approved.consent_event_id, approved.trigger_event_id, approved.step) == (consent, trigger, 1)


async def test_the_run_ends_with_the_receipt(world: World) -> None:
    await say(world, GRANTED)
    await buy(world, purchase())
    await world.pass_time(WAIT)
    approved = await last(world, SendApproved)
    assert isinstance(approved, SendApproved)

    receipt = EffectPerformed(effect_key=approved.send_id, kind="mail", attempt=1)
    await world.tell(receipt, f"send-{approved.send_id}")

    assert (await kinds(world))[-2:] == [RunStepCompleted, RunCompleted]


async def test_a_run_whose_mail_cannot_be_sent_fails_with_the_reason(world: World) -> None:
    await say(world, GRANTED)
    await buy(world, purchase())
    await world.pass_time(WAIT)
    approved = await last(world, SendApproved)
    assert isinstance(approved, SendApproved)

    receipt = EffectFailed(effect_key=approved.send_id, kind="mail", reason="no_address", attempt=1)
    await world.tell(receipt, f"send-{approved.send_id}")

    failed = await last(world, RunFailed)
    assert failed == RunFailed(run_id=approved.run_id, step=1, reason="no_address")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "never_said"),
        ([GRANTED, WITHDRAWN], "withdrawn"),
        ([GRANTED.model_copy(update={"valid_until": NOON + 2 * DAY})], "expired"),
    ],
)
async def test_without_consent_at_that_moment_the_mail_is_blocked(
    world: World, words: list[Event], reason: str
) -> None:
    await buy(world, purchase())
    said = [await say(world, word) for word in words]
    await world.pass_time(WAIT)

    blocked = await last(world, SendBlocked)
    assert isinstance(blocked, SendBlocked)
    assert (blocked.reason, blocked.consent_event_id) == (reason, said[-1] if said else None)
    assert (await kinds(world))[-1] in {RunCompleted, SendBlocked}
    assert SendApproved not in await kinds(world)


async def test_a_withdrawal_in_the_same_batch_counts(world: World) -> None:
    await say(world, GRANTED)
    await buy(world, purchase())
    world.clock.move(WAIT)
    world.foreign.append(world.lines.next(WITHDRAWN, stream=f"customer-{ANN}", subject=str(ANN), at=world.clock.now))
    await world.fire()

    blocked = await last(world, SendBlocked)
    assert isinstance(blocked, SendBlocked)
    assert blocked.reason == "withdrawn"


async def test_a_withdrawal_under_another_id_of_the_party_counts(world: World) -> None:
    linked = CustomerIdentityLinked(linked_id=CustomerId(BOB), kind="email", strength="strong", method="declared")
    await say(world, linked)
    await say(world, GRANTED)
    await buy(world, purchase())
    await world.pass_time(DAY)
    await say(world, WITHDRAWN, by=BOB)
    await world.pass_time(WAIT)

    blocked = await last(world, SendBlocked)
    assert isinstance(blocked, SendBlocked)
    assert blocked.reason == "withdrawn"


@pytest.mark.parametrize(
    "bought",
    [
        [purchase(total="99.99")],
        [purchase(currency="JPY", total="90000")],
        [purchase(1, total="5"), purchase(2, total="500")],
    ],
)
async def test_only_a_large_first_purchase_is_thanked_for(world: World, bought: list[CustomerPurchased]) -> None:
    for each in bought:
        await buy(world, each)

    assert await kinds(world) == []


async def test_a_second_purchase_in_the_same_batch_is_no_first_one(world: World) -> None:
    for each in (purchase(1), purchase(2)):
        stream = f"purchase-{each.purchase_id}"
        world.foreign.append(world.lines.next(each, stream=stream, subject=str(ANN)))
    await world.settle()

    assert await kinds(world) == WAITING


async def test_somebody_who_bought_under_another_id_of_the_party_is_known(world: World) -> None:
    linked = CustomerIdentityLinked(linked_id=CustomerId(BOB), kind="email", strength="strong", method="declared")
    await say(world, linked)
    await buy(world, purchase(1, total="5"), by=BOB)
    await buy(world, purchase(2))

    assert await kinds(world) == []


async def test_a_purchase_of_long_ago_is_history(world: World) -> None:
    fact = world.lines.next(purchase(), stream=f"purchase-{purchase().purchase_id}", subject=str(ANN))
    world.foreign.append(fact)
    object.__setattr__(fact, "occurred_at", NOON - 365 * DAY)
    await world.settle()
    await buy(world, purchase(2, total="500"))

    assert await kinds(world) == []
