"""What the verbs of `rapport privacy` ask of the suite, and how they tell it."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, cast

from rapport_cli.importing.account import KEPT_SECONDS
from rapport_cli.launching.home import write_closed_bytes
from rapport_cli.launching.keys import SERVICES
from rapport_cli.wire import Access, Answer, Connection, NotAllowed, NotFound, Unreachable, get_json
from rapport_events.certificates import certificate_hash
from rapport_events.ids import TenantId

WAIT_SECONDS: Final = 120.0
"""Keys are destroyed at once; that nobody can hold one any more takes 30 s."""
_LOOK_SECONDS: Final = 0.5
_EXPORT_SECONDS: Final = 300.0

Json = Mapping[str, Any]


class Refused(Exception):
    """The suite says no; the message says why."""


class NotYet(Exception):
    """The erasure was asked for and is not completed yet; it goes on by itself."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One erasure, and what is left of the person at this moment."""

    request: Json
    is_genuine: bool
    """Whether the certificate has the hash that it says."""
    readable: Mapping[str, int]
    """Personal values that can be opened, by service; 0 everywhere."""

    @property
    def holds(self) -> bool:
        """Whether everything is as the certificate says."""
        return self.is_genuine and not any(self.readable.values())

    def to_json(self) -> Json:
        """Return it for programs."""
        return {**self.request, "is_genuine": self.is_genuine, "readable": dict(self.readable)}


def preview(access: Access, customer: str) -> tuple[str, list[str]]:
    """Ask who would be forgotten: the name, and all ids."""
    shown = cast("Json", get_json(access, "contacts", f"/v1/customers/{customer}/erasure-preview"))
    name = shown["profile"]["name"] if shown["profile"] else None
    return str(name or "somebody without a name"), [str(each) for each in shown["customer_ids"]]


def ask_erasure(access: Access, customer: str, ids: Sequence[str], reason: str | None) -> None:
    """
    Ask for a person to be forgotten.

    Raises:
        Refused: The suite says no, for example because the ids are not those of the person any more.
    """
    body = {"customer_ids": list(ids), **({"reason": reason} if reason else {})}
    _post(access, f"/v1/customers/{customer}/erase", body)


def ask_refusal(access: Access, customer: str, legal_basis: str) -> None:
    """Record that an erasure is refused, and why."""
    _post(access, f"/v1/customers/{customer}/refuse_erasure", {"legal_basis": legal_basis})


def wait_for_completion(access: Access, customer: str, say: Callable[[str], None]) -> Json:
    """
    Wait until the erasure is completed; return the request with its certificate.

    Raises:
        NotYet: It takes longer.
    """
    until = time.monotonic() + WAIT_SECONDS
    say("the keys are destroyed; waiting until nobody can hold one any more")
    while time.monotonic() < until:
        with suppress(Unreachable):
            # Whatever ends meanwhile: the erasure goes on where it was.
            found = _erasures(access, customer)
            if found and found[0]["state"] == "done":
                return found[0]
        time.sleep(_LOOK_SECONDS)
    raise NotYet("it is not completed yet and goes on by itself; `rapport privacy receipt` tells when it is")


def receipts(access: Access, customer: str) -> list[Receipt]:
    """Read all completed erasures of a customer, and look whether they still hold."""
    done = [request for request in _erasures(access, customer) if request["state"] == "done"]
    readable = {service: _readable(access, service, customer) for service in SERVICES} if done else {}
    return [Receipt(request, _is_genuine(access, request["certificate"]), readable) for request in done]


def export(access: Access, console: str, customer: str) -> tuple[bytes, str]:
    """Fetch all that is kept of a person; return the file and its SHA-256."""
    door = Connection(console, lambda: access.token, timeout_seconds=_EXPORT_SECONDS)
    with door as connection:
        answer = connection.post(f"/api/suite/v1/customers/{customer}/export", b"", "application/json")
    _check(answer, "the console")
    return answer.body, answer.headers["rapport-artefact-hash"]


def keep(content: bytes, customer: str, to: Path | None, folder: Path) -> Path:
    """Write a file for its owner alone: where that was said, or into a folder that forgets it after a day."""
    if to is None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = to or folder / f"personal-data-{customer}.zip"
    write_closed_bytes(path, content)
    return path


def remove_exports(folder: Path, ids: Sequence[str]) -> None:
    """Remove what was handed over about a person who is forgotten."""
    for each in ids:
        (folder / f"personal-data-{each}.zip").unlink(missing_ok=True)


def remove_old(folder: Path) -> None:
    """Remove exports that are older than a day."""
    limit = time.time() - KEPT_SECONDS
    for path in folder.glob("*.zip"):
        if path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)


def told(receipt: Receipt) -> Iterator[str]:
    """Write a receipt for people."""
    request = receipt.request
    certificate: Json = request["certificate"]
    yield f"erasure {request['request_id']}, asked {request['asked_at']}, completed {request['closed_at']}"
    yield f"  ids        {', '.join(certificate['customer_ids'])}"
    yield f"  erased at  {certificate['erased_at']}"
    yield f"  keys       {', '.join(certificate['key_ids']) or 'none: nothing personal was known'}"
    for name in ("before", "after"):
        held = certificate[name]
        yield f"  {name:<10} {held['events']:,} events, {held['values']:,} readable values in contacts"
    yield f"  sha-256    {certificate['certificate_hash']}" + ("" if receipt.is_genuine else "   DOES NOT FIT")
    now = ", ".join(f"{service} {count:,}" for service, count in receipt.readable.items())
    yield f"  now        readable values: {now}"


def _erasures(access: Access, customer: str) -> list[Json]:
    found = get_json(access, "contacts", f"/v1/customers/{customer}/privacy")
    requests = cast("list[Json]", found["requests"])
    return [request for request in requests if request["kind"] == "erasure" and request["state"] != "refused"]


def _readable(access: Access, service: str, customer: str) -> int:
    count, cursor = 0, ""
    while True:
        page = cast("Json", get_json(access, service, f"/v1/customers/{customer}/personal-data{cursor}"))
        count += int(page["readable"])
        if page["next_cursor"] is None:
            return count
        cursor = f"?cursor={page['next_cursor']}"


def _is_genuine(access: Access, certificate: Json) -> bool:
    return bool(certificate_hash(TenantId(access.tenant), certificate) == certificate["certificate_hash"])


def _post(access: Access, path: str, body: Json) -> None:
    with Connection(access.base_of("contacts"), lambda: access.token) as connection:
        _check(connection.post(path, json.dumps(body).encode(), "application/json"), "contacts")


def _check(answer: Answer, who: str) -> None:
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise NotAllowed(f"{who} does not take the token ({answer.code})")
    if answer.status == HTTPStatus.NOT_FOUND:
        raise NotFound(f"{who} does not know it ({answer.code})")
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unreachable(f"{who} answered {answer.status} ({answer.code})")
    if answer.status >= HTTPStatus.BAD_REQUEST:
        detail = cast("dict[str, object]", json.loads(answer.body)).get("detail") if answer.body else None
        raise Refused(f"{detail or answer.status} ({answer.code})")
