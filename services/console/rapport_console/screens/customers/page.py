"""Customers: the list, with search while typing."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from rapport_console.pages import page
from rapport_console.session import Session
from rapport_console.suite import Suite

router = APIRouter(include_in_schema=False)

PAGE_SIZE = 50


@router.get("/customers")
async def show(
    request: Request,
    visitor: Session,
    q: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """List customers, the newest first, or those who are found."""
    suite: Suite = request.app.state.suite
    found = await suite.ask(visitor, "contacts", "/v1/customers", q=q or None, cursor=cursor, limit=PAGE_SIZE)
    is_more = cursor is not None and request.headers.get("hx-request") == "true"
    template = "customers/rows.html" if is_more else "customers/page.html"
    return page(request, template, visitor, answer=found, q=q)
