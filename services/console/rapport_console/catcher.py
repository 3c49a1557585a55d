"""
A mail catcher: takes every mail of the suite and shows it to people instead of sending it.

Mails hold personal data, so they stay in memory: a bounded number, gone with the process, in no log and on no disk.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope

from rapport_chassis.settings import Settings

HOST: Final = "127.0.0.1"
TENANT_HEADER: Final = "X-Rapport-Tenant"
MAILS_MAX: Final = 500
BYTES_MAX: Final = 256 * 1024
TEXT_MAX: Final = 64 * 1024


class CatcherSettings(Settings):
    """Whether mail is caught here; the prefix is `RAPPORT_CONSOLE_`."""

    catcher_port: int | None = None
    """Port for SMTP on this machine; absent: no mail is caught."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was caught."""

    number: int
    caught_at: datetime
    tenant: str
    message_id: str
    sender: str
    to: str
    subject: str
    text: str


@dataclass(slots=True)
class Catcher:
    """Holds the last mails, the newest first."""

    mails: deque[Mail] = field(default_factory=lambda: deque[Mail](maxlen=MAILS_MAX))
    _count: int = 0

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        """Keep a mail, and say yes to whoever sent it."""
        content = envelope.original_content or b""
        message = message_from_bytes(content, policy=default)
        self._count += 1
        body = message.get_body(("plain", "html"))
        self.mails.appendleft(
            Mail(
                number=self._count,
                caught_at=datetime.now(UTC),
                tenant=str(message.get(TENANT_HEADER, "")),
                message_id=str(message.get("Message-ID", "")),
                sender=str(message.get("From", "")),
                to=str(message.get("To", "")),
                subject=str(message.get("Subject", "")),
                text=str(body.get_content())[:TEXT_MAX] if body is not None else "",
            )
        )
        return "250 caught"

    def of_tenant(self, tenant: str) -> list[Mail]:
        """Return the mails of one tenant, the newest first."""
        return [mail for mail in self.mails if mail.tenant == tenant]


@asynccontextmanager
async def catching(port: int, taker: object) -> AsyncGenerator[int]:
    """
    Catch mail on a port of this machine.

    Args:
        port: 0 takes a free one.
        taker: A handler in the sense of aiosmtpd, such as a `Catcher`.

    Returns:
        The port.
    """
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(taker, data_size_limit=BYTES_MAX, hostname="localhost", loop=loop), HOST, port
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
