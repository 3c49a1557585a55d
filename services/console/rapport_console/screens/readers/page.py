"""Readers: where every read model of every service stands."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from rapport_console.pages import page
from rapport_console.session import Session
from rapport_console.suite import Suite

router = APIRouter(include_in_schema=False)


@router.get("/readers")
async def show(request: Request, visitor: Session) -> HTMLResponse:
    """Show position, head and lag of each reader, partition by partition, and rebuilds beside them."""
    suite: Suite = request.app.state.suite
    readers = await suite.ask_all(visitor, "/v1/readers")
    views = await suite.ask_all(visitor, "/v1/views")
    return page(request, "readers/page.html", visitor, readers=readers, views=views)
