"""Segments: every one with its condition and the count of its members."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from rapport_console.pages import page
from rapport_console.session import Session
from rapport_console.suite import Suite

router = APIRouter(include_in_schema=False)


@router.get("/segments")
async def show(request: Request, visitor: Session) -> HTMLResponse:
    """List segments, those in use first."""
    suite: Suite = request.app.state.suite
    return page(request, "segments/page.html", visitor, found=await suite.ask(visitor, "analytics", "/v1/segments"))
