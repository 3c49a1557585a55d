"""Event: one fact as its ledger holds it, so that every number can be opened."""

from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from rapport_console.pages import page
from rapport_console.session import Session
from rapport_console.suite import SERVICES, Answer, Suite

router = APIRouter(include_in_schema=False)

PARTITIONS = 32


@router.get("/events/{source}/{event_id}")
async def show(
    request: Request,
    visitor: Session,
    source: str,
    event_id: UUID,
    partition: Annotated[int, Query(ge=0, lt=PARTITIONS)],
) -> HTMLResponse:
    """Show envelope and data; personal values stay sealed."""
    suite: Suite = request.app.state.suite
    if source in SERVICES:
        answer = await suite.ask(visitor, source, f"/v1/events/{event_id}", partition=partition)
    else:
        answer = Answer(source, trouble=f"There is no service {source}.", is_missing=True)
    data = orjson.dumps(answer.found["data"], option=orjson.OPT_INDENT_2).decode() if answer.found else ""
    status = 404 if answer.is_missing else 200
    return page(request, "event/page.html", visitor, status=status, answer=answer, data=data)
