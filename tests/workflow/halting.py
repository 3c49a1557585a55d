"""An SMTP server that stops at a chosen moment of a delivery, and stays there until its client is gone."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

from rapport_console.catcher import HOST, Catcher
from tests.waiting import until

Moment = Literal["greeting", "EHLO", "MAIL", "RCPT", "DATA"]
"""The last one: the whole mail is there, and the yes is not yet said."""
BEFORE_YES: tuple[Moment, ...] = ("greeting", "EHLO", "MAIL", "RCPT", "DATA")


@dataclass(slots=True)
class Halting:
    """A catcher behind a server that can be stopped."""

    catcher: Catcher = field(default_factory=Catcher)
    moment: Moment | None = None
    """Where the next delivery stops; None: it goes through."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def pause(self, moment: Moment) -> None:
        """Wait here for ever, if this is the moment."""
        if self.moment == moment:
            self.reached.set()
            await asyncio.Event().wait()

    async def handle_EHLO(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: object, hostname: str, responses: list[str]
    ) -> list[str]:
        await self.pause("EHLO")
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802  # likewise
        self, _server: SMTP, _session: object, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        await self.pause("MAIL")
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  # likewise
        self, _server: SMTP, _session: object, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        await self.pause("RCPT")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # likewise
        await self.pause("DATA")
        return await self.catcher.handle_DATA(server, session, envelope)


class _Server(SMTP):
    """Also stops before it says who it is."""

    async def _handle_client(self) -> None:
        await self.event_handler.pause("greeting")
        await super()._handle_client()


@asynccontextmanager
async def open_halting() -> AsyncGenerator[tuple[Halting, int]]:
    """Serve on a free port; returns the handler and the port."""
    halting, loop = Halting(), asyncio.get_running_loop()
    begun: list[_Server] = []

    def begin() -> _Server:
        begun.append(_Server(halting, loop=loop))
        return begun[-1]

    server = await loop.create_server(begin, HOST, 0)
    try:
        yield halting, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in begun:
            # A server that waits does not see that its client is dead.
            if each.transport is not None:
                each.transport.close()
        await until(
            lambda: all(each.transport is None for each in begun), seconds=10, what="all connections are closed"
        )
