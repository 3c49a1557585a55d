"""Carry lines to a service until each was answered: repeated after faults, halved around a line that breaks a batch."""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

import msgspec

from rapport_cli.importing.engine import Unit
from rapport_cli.importing.kinds import Service
from rapport_cli.wire import Access, Answer, Connection, NotAllowed, Unreachable

PATH: Final = "/v1/commands:batch"
MEDIA_TYPE: Final = "application/x-ndjson"
PAUSE_SECONDS_MIN: Final = 0.2
PAUSE_SECONDS_MAX: Final = 5.0
PATIENCE_SECONDS: Final = 120.0
"""How long lines are repeated before the import gives up; the same call later continues."""
TRIES_OF_A_FAULT: Final = 3
_AGAIN: Final = frozenset({408, 425, 429, 502, 503, 504})
_ONE_LINES_FAULT: Final = frozenset({413, 500})


class GaveUp(Exception):
    """A service took no facts for too long; what was sent is kept, and the same call continues."""


class NotUnderstood(Exception):
    """A service did not take what every import sends; the message says with which code."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line on its way."""

    unit: Unit
    index: int
    """Number of its unit in the lane."""
    kind: str
    line: bytes


class _Fault(msgspec.Struct):
    pointer: str = ""


class _Problem(msgspec.Struct):
    code: str = "unknown"
    errors: list[_Fault] = []


class _Verdict(msgspec.Struct):
    """What a service says to one line."""

    status: int
    outcome: str = ""
    problem: _Problem | None = None


_VERDICT = msgspec.json.Decoder(_Verdict)


class Sender(Protocol):
    """Learns what became of its lines; called by any thread."""

    def taken(self, item: Item, outcome: str) -> None:
        """Learn that a line was recorded, or was known."""
        ...

    def refused(self, item: Item, code: str, place: str) -> None:
        """Learn that a line will never be taken."""
        ...

    def keeps(self, item: Item) -> bool:
        """Say whether a line is kept for later, because what it is about may still be on its way."""
        ...

    def reached(self, position: str) -> None:
        """Learn a Rapport-Position that shows what was taken."""
        ...


class Courier:
    """Carries the lines of one service; used by several threads, each with a connection of its own."""

    def __init__(
        self, service: Service, access: Access, sender: Sender, stop: threading.Event, patience_seconds: float
    ) -> None:
        self._service = service
        self._access = access
        self._sender = sender
        self._stop = stop
        self._patience_seconds = patience_seconds

    def connect(self) -> Connection:
        """Return a connection to the service."""
        return Connection(self._access.base_of(self._service), lambda: self._access.token)

    def carry(self, connection: Connection, items: Sequence[Item]) -> None:
        """
        Send lines until each was answered; only those without an answer are repeated.

        Raises:
            GaveUp: They were not answered in time, or the import stops.
            NotAllowed: The token is not taken.
            NotUnderstood: The service answers what no repetition mends.
        """
        deadline = time.monotonic() + self._patience_seconds
        pause, faults = PAUSE_SECONDS_MIN, 0
        rest = list(items)
        while rest:
            answer, cause = self._send(connection, rest)
            if answer is not None and answer.status == HTTPStatus.OK:
                left = self._settle(rest, answer)
                if not left:
                    return
                if len(left) < len(rest):
                    deadline, pause = time.monotonic() + self._patience_seconds, PAUSE_SECONDS_MIN
                rest = left
            elif answer is not None and answer.status in _ONE_LINES_FAULT:
                if len(rest) > 1:
                    # One line may be the cause: halves find it, and the others pass.
                    self.carry(connection, rest[: len(rest) // 2])
                    rest = rest[len(rest) // 2 :]
                    continue
                faults += 1
                if faults == TRIES_OF_A_FAULT or answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                    self._sender.refused(rest[0], answer.code, "")
                    return
            self._wait(max(pause, _retry_after(answer)), deadline, cause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)

    def _send(self, connection: Connection, items: Sequence[Item]) -> tuple[Answer | None, str]:
        """Send lines once; return the answer, and what to say if it stays like that."""
        try:
            answer = connection.post(PATH, b"\n".join([item.line for item in items]), MEDIA_TYPE)
        except Unreachable as error:
            return None, str(error)
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise NotAllowed(f"{self._service} does not take the token ({answer.code})")
        if answer.status != HTTPStatus.OK and answer.status not in _AGAIN | _ONE_LINES_FAULT:
            raise NotUnderstood(f"{self._service} answered {answer.status} ({answer.code}) to a batch")
        return answer, "" if answer.status == HTTPStatus.OK else f"it answered {answer.status} ({answer.code})"

    def _wait(self, seconds: float, deadline: float, cause: str) -> None:
        if time.monotonic() > deadline:
            raise GaveUp(f"{self._service} takes no facts: {cause}")
        if self._stop.wait(seconds * random.uniform(0.8, 1.2)):  # noqa: S311  # spreads callers, keeps no secret
            raise GaveUp("stopped")

    def _settle(self, items: Sequence[Item], answer: Answer) -> list[Item]:
        """Pass the answers on; return the lines that must be sent again."""
        try:
            verdicts = [_VERDICT.decode(line) for line in answer.body.splitlines()]
        except msgspec.MsgspecError as error:
            raise NotUnderstood(f"{self._service} gives answers that are none") from error
        if len(verdicts) != len(items):
            raise NotUnderstood(f"{self._service} gave {len(verdicts)} answers to {len(items)} lines")
        again: list[Item] = []
        for item, verdict in zip(items, verdicts, strict=True):
            problem = verdict.problem or _Problem()
            if verdict.status < HTTPStatus.MULTIPLE_CHOICES:
                self._sender.taken(item, verdict.outcome)
            elif verdict.status >= HTTPStatus.INTERNAL_SERVER_ERROR or problem.code == "version_race":
                again.append(item)
            elif problem.code != "not_found" or not self._sender.keeps(item):
                self._sender.refused(item, problem.code, problem.errors[0].pointer if problem.errors else "")
        if position := answer.headers.get("rapport-position"):
            self._sender.reached(position)
        return again


def _retry_after(answer: Answer | None) -> float:
    text = answer.headers.get("retry-after", "") if answer is not None else ""
    return min(float(text), PAUSE_SECONDS_MAX) if text.isdecimal() else 0.0
