"""Follow the feeds of several services at once: one thread each, one line for each event, in the order of each feed."""

import json
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, cast
from urllib.parse import urlencode

from rapport_cli.wire import Access, Answer, Connection, NotAllowed, NotGranted, Unreachable

LINES: Final = "application/x-ndjson"
WAIT_SECONDS: Final = 20
_LIMIT: Final = 500
_RETRY_SECONDS: Final = 2.0
_HELD_MAX: Final = 10_000
"""Lines that wait to be printed; a slow reader of the output slows the feeds."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked for."""

    types: Sequence[str] = ()
    subject: str | None = None
    since: str | None = None
    """A moment; from the first event on where it is None."""
    is_open: bool = False

    def query(self, cursor: str | None, wait: int) -> str:
        """Return the query of the next page."""
        members: list[tuple[str, str]] = [("type", each) for each in self.types]
        members += [("limit", str(_LIMIT)), ("wait", str(wait))]
        if self.subject is not None:
            members.append(("subject", self.subject))
        if self.is_open:
            members.append(("open", "true"))
        if cursor is not None:
            members.append(("cursor", cursor))
        elif self.since is not None:
            members.append(("since", self.since))
        return urlencode(members)


class _Over:
    """A feed has ended: because everything was read, or by an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error


def follow(access: Access, services: Sequence[str], wanted: Wanted, *, is_endless: bool) -> Iterator[dict[str, object]]:
    """
    Yield events as they come, for ever, or until everything that there is was read.

    A service that goes away is asked again, from where it was.

    Raises:
        Unreachable: A service does not answer the first time.
        NotGranted, NotAllowed: One of them refuses.
    """
    lines: queue.Queue[bytes | _Over] = queue.Queue(_HELD_MAX)
    for service in services:
        arguments = (access, service, wanted, lines, is_endless)
        threading.Thread(target=_feed, args=arguments, daemon=True).start()
    running = len(services)
    while running:
        line = lines.get()
        if isinstance(line, bytes):
            yield cast("dict[str, object]", json.loads(line))
            continue
        if line.error is not None:
            raise line.error
        running -= 1


def _feed(access: Access, service: str, wanted: Wanted, lines: "queue.Queue[bytes | _Over]", is_endless: bool) -> None:
    cursor: str | None = None
    wait = WAIT_SECONDS if is_endless else 0
    while True:
        try:
            with Connection(access.base_of(service), lambda: access.token) as connection:
                while True:
                    answer = connection.get(f"/v1/events?{wanted.query(cursor, wait)}", accept=LINES)
                    _check(service, answer)
                    cursor = answer.headers.get("rapport-cursor", cursor)
                    found = answer.body.splitlines()
                    for line in found:
                        lines.put(line)
                    if not found and not is_endless:
                        lines.put(_Over())
                        return
        except Unreachable as error:
            if cursor is None:
                lines.put(_Over(error))
                return
            time.sleep(_RETRY_SECONDS)
        except (NotAllowed, NotGranted) as error:
            lines.put(_Over(error))
            return


def _check(service: str, answer: Answer) -> None:
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise NotAllowed(f"{service} does not take the token ({answer.code})")
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unreachable(f"{service} answered {answer.status} ({answer.code})")
    if answer.status != HTTPStatus.OK:
        raise NotGranted(f"{service} refused ({answer.code})")
