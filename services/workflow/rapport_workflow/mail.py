"""Sends approved mail through SMTP: addressed, worded and checked once more at the moment when it goes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final, Literal
from uuid import UUID

import aiosmtplib
import msgspec
from pydantic import JsonValue

from rapport_chassis.outside import Outside
from rapport_chassis.settings import Mail as Settings
from rapport_events.codec import open_text
from rapport_events.contracts.base import REDACTED, Redacted, Sealed
from rapport_events.database import Connection
from rapport_events.effects import Due, Impossible, NotNow, Performed, Performer
from rapport_events.ids import EventId
from rapport_events.parties import members
from rapport_events.permission import deciding
from rapport_events.sealing import key_id_of
from rapport_events.statements import load
from rapport_workflow.memory import order_and_word
from rapport_workflow.rule import Template
from rapport_workflow.rules import TEMPLATES
from rapport_workflow.views.addresses import CHANGED

SMTP_SECONDS: Final = 20
TENANT_HEADER: Final = "X-Rapport-Tenant"
_FOR_EVER: Final = range(500, 600)
"""Answers of a server that mean no for ever."""


class Approved(msgspec.Struct):
    """All that the decision says of a mail."""

    purpose: str
    template: str
    template_version: str


@dataclass(frozen=True, slots=True)
class Addressee:
    """To whom a mail goes."""

    email: str
    name: str | None


def make_mail_performer(outside: Outside) -> Performer | None:
    """Send mail, where a server is named."""
    return MailPerformer(outside) if outside.mail.smtp_host is not None else None


class MailPerformer:
    """Sends one mail for each decision; a repeat carries the same Message-ID."""

    kind: Literal["mail"] = "mail"

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._settings = outside.mail

    async def perform(self, due: Due) -> Performed | Impossible:
        """See `Performer.perform`; raises NotNow."""
        approved = msgspec.json.decode(due.decision, type=Approved)
        template = TEMPLATES.get((approved.template, approved.template_version))
        if template is None:
            return Impossible("template_unknown")
        to = await self._addressee(due, approved.purpose)
        if isinstance(to, Impossible):
            return to
        try:
            message = compose(due, template, to, self._settings.smtp_sender)
        except (ValueError, HeaderParseError):
            # Whatever was kept as an address may hold line ends and worse.
            return Impossible("address_unusable")
        try:
            await _hand_over(message, self._settings)
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error.code)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _refused(max(each.code for each in error.recipients))
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotNow("provider_away") from error
        return Performed(message["Message-ID"].strip("<>"))

    async def _addressee(self, due: Due, purpose: str) -> Addressee | Impossible:
        """Find out where to, if the customer still agrees: a withdrawal may have come after the decision."""
        async with self._outside.pool.acquire() as connection:
            ids = await members(connection, due.tenant, UUID(due.subject))
            if not await _agrees(connection, due, list(ids), purpose):
                return Impossible("consent_withdrawn")
            rows = await connection.fetch(load("rapport_workflow", "addresses/of_party"), due.tenant, list(ids))
        wanted = {key_id_of(row["sealed"]) for row in rows if row["sealed"] != REDACTED.text}
        keys = await self._outside.keyring.open_keys(due.tenant, wanted) if wanted else {}
        values: dict[tuple[UUID, str], JsonValue] = {}
        for row in rows:
            opened = _open(due, dict(row), keys)
            if opened:
                values[row["customer_id"], row["field"]] = opened
        # The id that the mail is about comes first; the party's other ids stand in.
        for customer in (UUID(due.subject), *ids):
            emails, names = values.get((customer, "emails")), values.get((customer, "names"))
            if isinstance(emails, list) and emails:
                display = names.get("display") if isinstance(names, dict) else None
                return Addressee(str(emails[0]), str(display) if display else None)
        return Impossible("no_address")


async def _agrees(connection: Connection, due: Due, ids: list[UUID], purpose: str) -> bool:
    rows = await connection.fetch(load("rapport_workflow", "addresses/words"), due.tenant, ids, purpose)
    words = sorted((order_and_word(row) for row in rows), key=lambda pair: pair[0])
    word = deciding([word for _, word in words], purpose, "email")
    return word is not None and word.is_granted


def _open(due: Due, row: Mapping[str, object], keys: Mapping[str, bytes | None]) -> JsonValue:
    pointer, event_id = str(row["pointer"]), EventId(UUID(str(row["event_id"])))
    opened = open_text(str(row["sealed"]), keys, tenant=due.tenant, event_id=event_id, pointer=pointer)
    if isinstance(opened, Redacted | Sealed):
        return None
    if pointer == CHANGED:
        return opened.get(str(row["field"])) if isinstance(opened, dict) else None
    return opened


def compose(due: Due, template: Template, to: Addressee, sender: str) -> EmailMessage:
    """Make a mail; the same decision always has the same Message-ID and date."""
    message = EmailMessage()
    message["Message-ID"] = f"<{due.key}@{sender.rpartition('@')[2]}>"
    message["Date"] = format_datetime(due.recorded_at)
    message["From"] = sender
    message["To"] = to.email
    message["Subject"] = template.subject
    message[TENANT_HEADER] = due.tenant
    message.set_content(template.body.format(name=to.name or "customer"))
    return message


async def _hand_over(message: EmailMessage, settings: Settings) -> None:
    password = settings.smtp_password
    await aiosmtplib.send(
        message,
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=password.get_secret_value() if password is not None else None,
        use_tls=settings.smtp_security == "tls",
        start_tls=settings.smtp_security == "starttls",
        timeout=SMTP_SECONDS,
    )


def _refused(code: int) -> Impossible:
    """Tell an answer that means no for ever from one that means later."""
    if code in _FOR_EVER:
        return Impossible(f"refused_{code}")
    raise NotNow(f"provider_answered_{code}")
