"""How every "no" looks to a caller (RFC 9457), and the one place where refusal families become HTTP statuses."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from http import HTTPStatus
from typing import Final, cast
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.responses import Response

from rapport_chassis.answers import to_json
from rapport_chassis.auth import TokenRefused
from rapport_chassis.keysets import KeysUnreachable
from rapport_events.errors import Clash, Denied, EventTooLarge, Malformed, Missing, Refusal, Stale
from rapport_events.faults import is_away
from rapport_events.keyring import KeyringAway
from rapport_events.ledger import LedgerShut

MEDIA_TYPE: Final = "application/problem+json"
ERRORS_MAX: Final = 20
"""Of a malformed body at most this many faults are named."""
AGAIN_SECONDS: Final = 2
"""What Retry-After says where something is away."""
STAYS_SHUT_SECONDS: Final = 30
"""What it says where somebody must do something first."""

_FAMILIES: Final[tuple[tuple[type[Refusal], int], ...]] = (
    (EventTooLarge, 413),
    (Missing, 404),
    (Clash, 409),
    (Stale, 412),
    (Denied, 403),
    (Malformed, 422),
)
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_ECHOING = ("error", "reason")
"""Members of a pydantic error's context whose text can quote the input."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One "no": a stable code for programs, a sentence for people, and facts that are nobody's personal data."""

    status: int
    code: str
    detail: str
    facts: Mapping[str, object] = field(default_factory=dict[str, object])
    errors: tuple[Mapping[str, object], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def is_passing(self) -> bool:
        """Whether the same request can succeed later, unchanged."""
        return self.status == HTTPStatus.SERVICE_UNAVAILABLE

    def members(self, correlation_id: str | None = None) -> dict[str, object]:
        """Return the members of the problem's JSON."""
        members: dict[str, object] = {
            "type": f"urn:rapport:problem:{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.facts:
            members["facts"] = self.facts
        if self.errors:
            members["errors"] = self.errors
        if correlation_id:
            members["correlation_id"] = correlation_id
        return members

    def response(self, correlation_id: str | None = None) -> Response:
        """Return the HTTP answer."""
        body = to_json(self.members(correlation_id))
        return Response(body, status_code=self.status, media_type=MEDIA_TYPE, headers=dict(self.headers))


class Refused(Exception):
    """The chassis itself says no; whoever answers turns it into a response."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


FAULT: Final = Problem(500, "fault", "This is a bug; the correlation id finds it in the logs.")
TOKEN_MISSING: Final = Problem(
    401, "token_missing", "Present a token: Authorization: Bearer …", headers={"WWW-Authenticate": "Bearer"}
)
TOKEN_REFUSED: Final = Problem(
    401,
    "token_refused",
    "The token is malformed, expired, or not signed by an issuer that is trusted here.",
    headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
)
TOO_LARGE: Final = Problem(413, "too_large", "The body is larger than this route takes; send less at a time.")
NOT_JSON: Final = Problem(422, "malformed", "The body is not JSON in UTF-8.")


def away(code: str, detail: str, seconds: int = AGAIN_SECONDS) -> Problem:
    """Return a 503 that says when to come again."""
    return Problem(503, code, detail, headers={"Retry-After": str(seconds)})


DATABASE_AWAY: Final = away("database_away", "The database does not answer in time; repeat with the same key.")
KEYRING_AWAY: Final = away("keyring_away", "Personal data cannot be sealed now; repeat with the same key.")
LEDGER_SHUT: Final = away(
    "ledger_shut", "The ledger takes nothing until it has been compared; repeat with the same key."
)
LEDGER_STAYS_SHUT: Final = away(
    "ledger_shut",
    "The ledger takes nothing until an operator has begun a new era: `rapport ledger status` says why, and what to do."
    " Repeat with the same key.",
    STAYS_SHUT_SECONDS,
)
KEYS_UNREACHABLE: Final = away("token_keys_away", "Tokens cannot be verified now; repeat later.", 5)


def problem_of(error: BaseException, known: Collection[str] = ()) -> Problem | None:
    """
    Return the problem that an error is to the caller; None for a bug.

    Args:
        known: Member names of the body's model. Only these are named, because others come from the caller.
    """
    found: Problem | None
    match error:
        case Refused():
            found = error.problem
        case Refusal():
            found = _of_refusal(error)
        case ValidationError():
            found = malformed(error.errors(include_url=False, include_input=False), known)
        case RequestValidationError():
            found = malformed(error.errors(), known)
        case HTTPException():
            found = _of_status(error.status_code, error.headers)
        case TokenRefused():
            found = TOKEN_REFUSED
        case KeysUnreachable():
            found = KEYS_UNREACHABLE
        case KeyringAway():
            found = KEYRING_AWAY
        case LedgerShut():
            found = replace(LEDGER_STAYS_SHUT, facts={"reason": error.reason}) if error.reason else LEDGER_SHUT
        case _:
            found = DATABASE_AWAY if is_away(error) else None
    return found


def _of_refusal(refusal: Refusal) -> Problem:
    status = next((status for family, status in _FAMILIES if isinstance(refusal, family)), 409)
    facts = {name: value for name, value in refusal.facts.items() if _is_plain(value)}
    return Problem(status, refusal.code, refusal.sentence, facts)


def _of_status(status: int, headers: Mapping[str, str] | None) -> Problem:
    code = {404: "route_not_found", 405: "method_not_allowed"}.get(status, f"http_{status}")
    return Problem(status, code, HTTPStatus(status).phrase + ".", headers=headers or {})


def _is_plain(value: object) -> bool:
    """Say whether a fact can be shown: ids, numbers, times and codes can, free text cannot."""
    match value:
        case None | bool() | int() | float() | Decimal() | UUID() | datetime() | date() | Enum():
            return True
        case str():
            return _CODE.fullmatch(value) is not None
        case _:
            return False


def malformed(errors: Collection[ErrorDetails | Mapping[str, object]], known: Collection[str] = ()) -> Problem:
    """Return a 422 that says where the body is wrong, without quoting it."""
    faults = tuple(_fault(error, frozenset(known)) for error, _ in zip(errors, range(ERRORS_MAX), strict=False))
    return Problem(422, "malformed", "The request is not what this route takes.", errors=faults)


def _fault(error: ErrorDetails | Mapping[str, object], known: frozenset[str]) -> dict[str, object]:
    context = cast("Mapping[str, object]", error.get("ctx") or {})
    message = str(error["msg"])
    if any(name in context for name in _ECHOING):
        cause = context.get("error")
        # A model's own ValueError is a sentence of ours; every other cause may quote what was sent.
        message = str(cause) if type(cause) is ValueError else "The value cannot be read as what it must be."
    place = cast("tuple[int | str, ...]", error["loc"])
    return {"pointer": "".join(_segments(place, known)), "code": error["type"], "message": message}


def _segments(place: tuple[int | str, ...], known: frozenset[str]) -> Iterator[str]:
    for segment in place:
        yield f"/{segment}" if isinstance(segment, int) or segment in known else "/*"
