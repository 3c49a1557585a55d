"""The twelve bugs that must be caught: what each changes in the code under test, and the test that catches it."""

from typing import Final, NamedTuple


class Planted(NamedTuple):
    """One bug, planted in the code under test."""

    name: str
    change: str
    caught_by: str
    """The id of a test, as pytest takes it."""


def _by_simulation(bug: str) -> str:
    return f"tests/simulation/test_simulation.py::test_a_planted_bug_is_found_and_its_schedule_made_small[{bug}]"


def _by_attack(test: str) -> str:
    return f"tests/attacks/test_planted.py::{test}"


PLANTED: Final = (
    Planted(
        "checkpoint moved outside the read model's transaction",
        "ViewReader._commit moves the checkpoint in a transaction of its own, before the one that folds",
        _by_simulation("checkpoint outside the read model's transaction"),
    ),
    Planted(
        "checkpoint without compare-and-set",
        "ViewReader._advance does not look how many checkpoints were where they were believed to be",
        _by_simulation("checkpoint without compare-and-set"),
    ),
    Planted(
        "compare-and-set without the era",
        "ViewReader._next takes a record of any era as one of the present era",
        _by_simulation("compare-and-set without the era"),
    ),
    Planted(
        "position from a plain sequence",
        "append takes positions from a sequence, and nobody waits for whoever took the last one",
        _by_attack("test_a_number_that_a_sequence_gave_and_nobody_took_is_caught"),
    ),
    Planted(
        "next batch sent before the last is confirmed",
        "Copying._send_ready sends two batches of a partition at a time",
        _by_simulation("next batch before the last is confirmed"),
    ),
    Planted(
        "the mirror continuing after the last record's number instead of the reach",
        "Reach.take believes the highest number that it meets, whatever is missing below",
        _by_simulation("mirror goes on after the last number"),
    ),
    Planted(
        "a reader that stops at a hole",
        "ViewReader._next fails at a record above the next number instead of passing over it",
        _by_simulation("reader stops at a hole"),
    ),
    Planted(
        "a parked customer's later events applied",
        "ViewReader._fold finds nobody parked",
        _by_simulation("a parked customer's later events are applied"),
    ),
    Planted(
        "effect without receipt",
        "effects._write_receipt writes nothing",
        _by_attack("test_an_effect_without_receipt_is_caught"),
    ),
    Planted(
        "swap without comparing checkpoints under lock",
        "the switch of a rebuild takes every rebuild for level with the live one",
        _by_simulation("swap without comparing checkpoints"),
    ),
    Planted(
        "idempotency row outside the append's transaction",
        "the transaction of append leaves no row of the key; a second one writes it afterwards",
        _by_attack("test_a_key_that_is_written_after_the_append_is_caught"),
    ),
    Planted(
        "tenant setting per session instead of per transaction",
        "set_tenant sets the tenant for the session",
        _by_attack("test_a_tenant_that_is_set_for_the_session_is_caught"),
    ),
)
