"""Bugs that only a real server or a whole process can show are caught by the checks that watch over the suite."""

from tests.attacks.bugs import (
    BUGS,
    KEY_OUTSIDE,
    NO_RECEIPT,
    SESSION_TENANT,
    forget_keys,
    number_by_a_sequence,
)
from tests.attacks.callers import Callers
from tests.attacks.scenarios import (
    die_between_commit_and_answer,
    let_the_gate_look_twice,
    share_a_connection,
    take_a_number_and_give_it_back,
)
from tests.events.mirroring import Place
from tests.events.postgres_desk import PostgresDesk
from tests.workflow.world import World


async def test_a_number_that_a_sequence_gave_and_nobody_took_is_caught(desk: PostgresDesk, place: Place) -> None:
    await number_by_a_sequence(desk.database.admin)

    assert "lost" in str(await take_a_number_and_give_it_back(desk, place))


async def test_a_key_that_is_written_after_the_append_is_caught(callers: Callers) -> None:
    await forget_keys(callers.house.database.admin)

    assert "repeated" in str(await die_between_commit_and_answer(callers, KEY_OUTSIDE))


async def test_an_effect_without_receipt_is_caught(world: World) -> None:
    with BUGS[NO_RECEIPT]():
        assert "repeated" in str(await let_the_gate_look_twice(world))


async def test_a_tenant_that_is_set_for_the_session_is_caught(desk: PostgresDesk) -> None:
    with BUGS[SESSION_TENANT]():
        assert "phantom" in str(await share_a_connection(desk))
