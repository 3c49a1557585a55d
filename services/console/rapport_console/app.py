"""The web console as one value: the only file that knows all of its screens."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import httpx
from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from rapport_chassis.service import Service
from rapport_chassis.settings import read
from rapport_console import bundle, door
from rapport_console.catcher import Catcher, CatcherSettings, catching
from rapport_console.pages import STATIC
from rapport_console.screens.catalogue import page as catalogue
from rapport_console.screens.customer import page as customer
from rapport_console.screens.customers import page as customers
from rapport_console.screens.enter import page as enter
from rapport_console.screens.event import page as event
from rapport_console.screens.facts import page as facts
from rapport_console.screens.mails import page as mails
from rapport_console.screens.merge import page as merge
from rapport_console.screens.overview import page as overview
from rapport_console.screens.parked import page as parked
from rapport_console.screens.privacy import page as privacy
from rapport_console.screens.readers import page as readers
from rapport_console.screens.segment import page as segment
from rapport_console.screens.segments import page as segments
from rapport_console.session import NotSignedIn
from rapport_console.suite import SERVICES, Suite

CONNECTIONS_MAX: Final = 50


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Keep connections to the services as long as pages are served."""
    address_of = app.state.desk.peers.address_of
    limits = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX)
    port = read(CatcherSettings, "console").catcher_port
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(limits=limits, trust_env=False))
        app.state.suite = Suite(client, {service: address_of(service) for service in SERVICES})
        app.state.catcher = Catcher() if port is not None else None
        if port is not None:
            await stack.enter_async_context(catching(port, app.state.catcher))
        yield


def _extend(app: FastAPI) -> None:
    app.mount("/static", StaticFiles(directory=str(STATIC)), name="static")
    app.add_exception_handler(NotSignedIn, _show_the_way_in)


async def _show_the_way_in(request: Request, _error: Exception) -> Response:
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": "/enter"})
    return RedirectResponse("/enter", 303)


service = Service(
    name="console",
    package="rapport_console",
    owns_ledger=False,
    routers=(
        enter.router,
        overview.router,
        customers.router,
        customer.router,
        privacy.router,
        merge.router,
        event.router,
        catalogue.router,
        facts.router,
        segments.router,
        segment.router,
        readers.router,
        parked.router,
        bundle.router,
        mails.router,
        door.router,
    ),
    settings=(CatcherSettings,),
    extend=_extend,
    lifespan=_lifespan,
)
