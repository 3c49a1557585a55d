"""After loading: wait until everything is shown, and find the customer who is worth looking at."""

import time
from typing import Final, cast
from urllib.parse import quote

from rapport_cli.demo.person import ADAS_EMAIL
from rapport_cli.importing.progress import Progress
from rapport_cli.wire import PORTS, Access, NotFound, Unreachable, get_json

_PATIENCE_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.25
_ASK_SECONDS: Final = 10
_QUIET_LOOKS: Final = 3
"""Stages and tasks follow from facts a moment later: only when nothing is missing several times is all there."""


def wait_for_readers(access: Access, progress: Progress) -> bool:
    """Wait until every read model has folded what is recorded; say whether that happened in time."""
    began, quiet, most = time.monotonic(), 0, 0
    while quiet < _QUIET_LOOKS:
        if time.monotonic() - began > _PATIENCE_SECONDS:
            return False
        left = _events_left(access)
        if left is not None:
            if left > most:
                most = left
                progress.begin("folding", most, "events")
            progress.at(most - left)
        quiet = quiet + 1 if left == 0 else 0
        time.sleep(_LOOK_SECONDS)
    return True


def find_ada(access: Access) -> dict[str, str] | None:
    """Return id and name of the first customer, to whom a bit of everything happened."""
    try:
        found = get_json(access, "contacts", f"/v1/customers?q={quote(ADAS_EMAIL)}")
    except (Unreachable, NotFound):
        return None
    for each in cast("list[dict[str, object]]", found.get("customers") or []):
        if ADAS_EMAIL in cast("list[str]", each["emails"]):
            return {"id": str(each["id"]), "name": str(each["name"])}
    return None


def _events_left(access: Access) -> int | None:
    """Return how many events the slowest reader of each service has still to fold; None if that is not known."""
    left = 0
    for service in PORTS:
        try:
            readers = cast(
                "list[dict[str, object]]",
                get_json(access, service, "/v1/readers", timeout_seconds=_ASK_SECONDS).get("readers") or [],
            )
        except (Unreachable, NotFound):
            return None
        lags = [each["lag"] for each in readers]
        if None in lags:
            return None
        left += max(cast("list[int]", lags), default=0)
    return left
