"""Segment: how it is defined, who is in it, and because of which events."""

import asyncio
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import HTMLResponse

from rapport_console.pages import page
from rapport_console.session import Session
from rapport_console.suite import Suite

router = APIRouter(include_in_schema=False)

PAGE_SIZE: Final = 25
"""The name of each member is asked for, so pages are short."""


@router.get("/segments/{segment_id}")
async def show(
    request: Request,
    visitor: Session,
    segment_id: Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,63}$")],
    cursor: Annotated[UUID | None, Query()] = None,
) -> HTMLResponse:
    """Show a segment; asked with a cursor by htmx, only the next members."""
    suite: Suite = request.app.state.suite
    path = f"/v1/segments/{segment_id}"
    async with asyncio.TaskGroup() as group:
        segment = group.create_task(suite.ask(visitor, "analytics", path))
        members = group.create_task(
            suite.ask(visitor, "analytics", f"{path}/members", cursor=str(cursor) if cursor else None, limit=PAGE_SIZE)
        )
    listed = members.result().found
    ids: list[str] = [member["customer_id"] for member in listed["members"]] if listed else []
    async with asyncio.TaskGroup() as group:
        cards = [group.create_task(suite.ask(visitor, "contacts", f"/v1/customers/{id_}")) for id_ in ids]
    names = {id_: found["name"] for id_, card in zip(ids, cards, strict=True) if (found := card.result().found)}
    is_more = cursor is not None and request.headers.get("hx-request") == "true"
    return page(
        request,
        "segment/members.html" if is_more else "segment/page.html",
        visitor,
        segment_id=segment_id,
        segment=segment.result(),
        members=members.result(),
        names=names,
    )
