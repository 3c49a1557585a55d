"""Facts: the events behind a figure, page by page."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from rapport_console.pages import page
from rapport_console.session import Session
from rapport_console.suite import Suite

router = APIRouter(include_in_schema=False)

Text = Annotated[str | None, Query(max_length=200)]


@router.get("/facts/{kind}")
async def show(
    request: Request, visitor: Session, kind: str, month: Text = None, value: Text = None, cursor: Text = None
) -> HTMLResponse:
    """List what a figure counts; each row opens into its event."""
    suite: Suite = request.app.state.suite
    answer = await suite.ask(visitor, "analytics", f"/v1/facts/{kind}", month=month, value=value, cursor=cursor)
    is_more = cursor is not None and request.headers.get("hx-request") == "true"
    template = "facts/rows.html" if is_more else "facts/page.html"
    return page(request, template, visitor, answer=answer, kind=kind, month=month, value=value)
