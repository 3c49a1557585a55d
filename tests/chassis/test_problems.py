"""Each "no" has one status, one code, and nothing that is not the caller's business."""

from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest
from starlette.exceptions import HTTPException

from rapport_chassis.auth import TokenRefused
from rapport_chassis.keysets import KeysUnreachable
from rapport_chassis.problems import problem_of
from rapport_events.errors import (
    Clash,
    Denied,
    IdentityTaken,
    KeyReusedForOtherBody,
    Malformed,
    Missing,
    Stale,
    StreamNotFound,
    VersionNotMet,
    VersionRace,
)
from rapport_events.keyring import KeyringAway
from rapport_events.ledger import LedgerShut


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Missing(), 404, "missing"),
        (Clash(), 409, "clash"),
        (Stale(), 412, "stale"),
        (Denied(), 403, "denied"),
        (Malformed(), 422, "malformed"),
        (StreamNotFound(), 404, "not_found"),
        (VersionRace(), 409, "version_race"),
        (VersionNotMet(), 412, "version_not_met"),
        (IdentityTaken(), 409, "identity_taken"),
        (KeyReusedForOtherBody(), 422, "idempotency_key_reused"),
        (TokenRefused("expired"), 401, "token_refused"),
        (KeysUnreachable(), 503, "token_keys_away"),
        (KeyringAway("host db-7"), 503, "keyring_away"),
        (LedgerShut("host db-7"), 503, "ledger_shut"),
        (ConnectionRefusedError("host db-7"), 503, "database_away"),
        (TimeoutError(), 503, "database_away"),
        (asyncpg.LockNotAvailableError("relation events"), 503, "database_away"),
        (asyncpg.TooManyConnectionsError("role x"), 503, "database_away"),
        (asyncpg.ConnectionDoesNotExistError("x"), 503, "database_away"),
        (HTTPException(404), 404, "route_not_found"),
        (HTTPException(405), 405, "method_not_allowed"),
    ],
)
def test_an_error_becomes_its_problem(error: Exception, status: int, code: str) -> None:
    problem = problem_of(error)

    assert problem is not None
    assert (problem.status, problem.code) == (status, code)
    assert problem.members()["type"] == f"urn:rapport:problem:{code}"
    assert problem.detail
    assert "db-7" not in str(problem.members())
    assert ("Retry-After" in problem.headers) == (status == 503)


def test_a_ledger_that_stays_shut_sends_to_the_operator() -> None:
    error = LedgerShut()
    error.reason = "record_not_held"

    problem = problem_of(error)

    assert problem is not None
    assert (problem.code, problem.facts) == ("ledger_shut", {"reason": "record_not_held"})
    assert "rapport ledger status" in problem.detail
    assert problem.headers["Retry-After"] == "30"


@pytest.mark.parametrize(
    "error",
    [RuntimeError("x"), asyncpg.UndefinedTableError("x"), asyncpg.DataError("x"), ValueError("x"), KeyError("x")],
)
def test_a_bug_is_no_problem(error: Exception) -> None:
    assert problem_of(error) is None


def test_only_facts_that_are_nobodys_are_shown() -> None:
    refusal = Clash(
        customer_id=UUID(int=1),
        count=3,
        total=Decimal("1.5"),
        status="merged",
        name="Ann Smith",
        email="ann@example.com",
        address={"street": "10 Downing Street"},
        notes=["Ann"],
    )

    problem = problem_of(refusal)

    assert problem is not None
    assert problem.facts == {"customer_id": UUID(int=1), "count": 3, "total": Decimal("1.5"), "status": "merged"}


def test_every_fact_that_is_shown_can_be_written() -> None:
    problem = problem_of(Clash(total=Decimal("1.5"), customer_id=UUID(int=1)))

    assert problem is not None
    assert b'"1.5"' in problem.response().body
