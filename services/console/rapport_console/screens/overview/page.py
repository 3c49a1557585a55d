"""Overview: the tenant's figures with charts, and whether everything is at work."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from rapport_console.pages import page
from rapport_console.screens.overview.charts import charts_of
from rapport_console.session import Session
from rapport_console.suite import Suite

router = APIRouter(include_in_schema=False)

MINUTES = 60


@router.get("/")
async def show(request: Request, visitor: Session) -> HTMLResponse:
    """Show figures, charts and the state of every reader."""
    suite: Suite = request.app.state.suite
    async with asyncio.TaskGroup() as group:
        report = group.create_task(suite.ask(visitor, "analytics", "/v1/report"))
        pulse = group.create_task(suite.ask(visitor, "analytics", "/v1/pulse", minutes=MINUTES))
        readers = group.create_task(suite.ask_all(visitor, "/v1/readers"))
    return page(
        request,
        "overview/page.html",
        visitor,
        report=report.result(),
        pulse=pulse.result(),
        readers=readers.result(),
        charts=charts_of(report.result().found, pulse.result().found),
    )
