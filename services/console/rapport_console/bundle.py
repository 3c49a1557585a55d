"""All that the suite keeps of one person, from every service, in one file: what a person has a right to be given."""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from rapport_chassis.problems import Problem, Refused, away
from rapport_console.door import authorization_of
from rapport_console.suite import SERVICES, Json, Suite

router = APIRouter()

DUE_DAYS: Final = 30
"""Within a month, says the law."""
BYTES_MAX: Final = 134_217_728
PAGES_MAX: Final = 10_000
HASH_HEADER: Final = "Rapport-Artefact-Hash"
REQUEST_HEADER: Final = "Rapport-Request-Id"
_ASK_SECONDS: Final = 60
_MADE: Final = (1980, 1, 1, 0, 0, 0)

TOO_LARGE: Final = Problem(413, "bundle_too_large", "This person's data exceed 128 MiB; read them service by service.")

_ABOUT: Final = """\
personal-data.json holds everything that is kept of one person.

  customer_ids  all ids under which this person is known
  card, privacy, totals, stage, tasks, timeline
                what the services tell of the person
  events        every event about the person, by service, in the order of its record; personal values are
                under data.pii, and null where they were erased
"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The file, and the request that it answers."""

    request_id: UUID
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the file; the event about its delivery holds it."""
        return hashlib.sha256(self.content).hexdigest()


class _Asking:
    """Asks services for one caller; whatever does not answer ends it, for half of somebody's data is no answer."""

    def __init__(self, suite: Suite, authorization: str) -> None:
        self._suite = suite
        self._headers = {"Authorization": authorization}
        self._room = BYTES_MAX

    async def get(self, service: str, path: str, **parameters: str) -> Json:
        return await self._send("GET", service, path, params=parameters)

    async def post(self, service: str, path: str, body: Json) -> Json:
        return await self._send("POST", service, path, json=body)

    async def pages(self, service: str, path: str, member: str, cursor: str = "next_cursor") -> list[Json]:
        """Read a list to its end."""
        found: list[Json] = []
        asked: dict[str, str] = {}
        for _ in range(PAGES_MAX):
            page = await self.get(service, path, **asked)
            found += page[member]
            if page[cursor] is None:
                return found
            asked = {"cursor": page[cursor]}
        raise Refused(TOO_LARGE)

    async def _send(self, method: str, service: str, path: str, **more: Any) -> Json:  # noqa: ANN401  # httpx's own
        try:
            answer = await self._suite.client.request(
                method, self._suite.addresses[service] + path, headers=self._headers, timeout=_ASK_SECONDS, **more
            )
        except httpx.HTTPError as error:
            raise Refused(away("service_away", f"{service} does not answer; try again shortly.")) from error
        if not answer.is_success:
            raise Refused(_problem(answer))
        self._room -= len(answer.content)
        if self._room < 0:
            raise Refused(TOO_LARGE)
        found: Json = answer.json()
        return found


def _problem(answer: httpx.Response) -> Problem:
    try:
        members: Json = answer.json()
    except ValueError:
        members = {}
    return Problem(answer.status_code, str(members.get("code", "refused")), str(members.get("detail", "")))


async def make_bundle(suite: Suite, authorization: str, customer: UUID) -> Bundle:
    """
    Record that it was asked for, gather everything, and record which file was handed over.

    Raises:
        Refused: A service does not answer or does not allow it.
    """
    asking, path, request_id = _Asking(suite, authorization), f"/v1/customers/{customer}", uuid4()
    due_at = (datetime.now(UTC) + timedelta(days=DUE_DAYS)).isoformat()
    await asking.post("contacts", f"{path}/request_access", {"request_id": str(request_id), "due_at": due_at})
    events = {service: await asking.pages(service, f"{path}/personal-data", "events") for service in SERVICES}
    privacy = await asking.get("contacts", f"{path}/privacy")
    preview = await asking.get("contacts", f"{path}/erasure-preview")
    found = {
        "customer_ids": preview["customer_ids"],
        "card": await asking.get("contacts", path) if preview["profile"] else None,
        "privacy": privacy["requests"],
        "totals": await asking.get("analytics", f"{path}/totals"),
        "stage": await asking.get("analytics", f"{path}/stage"),
        "tasks": await asking.pages("workflow", f"/v1/tasks?customer={customer}", "tasks", "cursor"),
        "timeline": await asking.pages("interactions", f"{path}/timeline", "entries"),
        "events": events,
    }
    bundle = Bundle(request_id, _packed(found))
    told = {"request_id": str(request_id), "artefact_hash": bundle.digest}
    await asking.post("contacts", f"{path}/deliver_export", told)
    return bundle


def _packed(found: Json) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo("about.txt", _MADE), _ABOUT, zipfile.ZIP_DEFLATED)
        data = orjson.dumps(found, option=orjson.OPT_INDENT_2)
        packed.writestr(zipfile.ZipInfo("personal-data.json", _MADE), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


@router.post("/api/suite/v1/customers/{customer_id}/export", operation_id="export_customer", response_class=Response)
async def export_customer(request: Request, customer_id: UUID) -> Response:
    """Hand over all that every service keeps of a person as one zip; nothing of it stays here."""
    bundle = await make_bundle(request.app.state.suite, authorization_of(request), customer_id)
    return Response(
        bundle.content,
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="personal-data-{customer_id}.zip"',
            "Cache-Control": "no-store",
            HASH_HEADER: bundle.digest,
            REQUEST_HEADER: str(bundle.request_id),
        },
    )
