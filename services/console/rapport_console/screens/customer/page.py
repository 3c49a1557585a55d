"""Customer: card, stage and totals, tasks, and all that happened, each from its own service."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from rapport_console.pages import page
from rapport_console.session import Session
from rapport_console.suite import Suite

router = APIRouter(include_in_schema=False)

ENTRIES = 30


@router.get("/customers/{customer_id}")
async def show(
    request: Request,
    visitor: Session,
    customer_id: UUID,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show a customer; asked with a cursor by htmx, only the next entries of the timeline."""
    suite: Suite = request.app.state.suite
    path = f"/v1/customers/{customer_id}"
    timeline_path = f"{path}/timeline"
    if cursor is not None and request.headers.get("hx-request") == "true":
        more = await suite.ask(visitor, "interactions", timeline_path, cursor=cursor, limit=ENTRIES)
        return page(request, "customer/entries.html", visitor, timeline=more, customer_id=customer_id)
    async with asyncio.TaskGroup() as group:
        card = group.create_task(suite.ask(visitor, "contacts", path))
        stage = group.create_task(suite.ask(visitor, "analytics", f"{path}/stage"))
        totals = group.create_task(suite.ask(visitor, "analytics", f"{path}/totals"))
        tasks = group.create_task(suite.ask(visitor, "workflow", "/v1/tasks", customer=str(customer_id)))
        timeline = group.create_task(suite.ask(visitor, "interactions", timeline_path, limit=ENTRIES))
    return page(
        request,
        "customer/page.html",
        visitor,
        customer_id=customer_id,
        card=card.result(),
        stage=stage.result(),
        totals=totals.result(),
        tasks=tasks.result(),
        timeline=timeline.result(),
    )
