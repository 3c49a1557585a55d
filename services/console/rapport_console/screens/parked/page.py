"""Parked: events that read models could not fold; try them again, or pass them over with a reason."""

from typing import Literal
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from rapport_chassis.desk import OPERATOR
from rapport_console.errors import NoSuchDoor
from rapport_console.pages import page
from rapport_console.session import Session, Visitor
from rapport_console.suite import SERVICES, Json, Suite

router = APIRouter(include_in_schema=False)


@router.get("/parked")
async def show(request: Request, visitor: Session) -> HTMLResponse:
    """List what every service has set aside of this tenant."""
    return await _show(request, visitor)


@router.post("/parked/{service}/{event_id}/{verb}")
async def release(
    request: Request, visitor: Session, service: str, event_id: str, verb: Literal["retry", "discard"]
) -> Response:
    """Have an event tried again, or passed over."""
    if service not in SERVICES:
        raise NoSuchDoor(services=SERVICES)
    form = parse_qs((await request.body()).decode(errors="replace"), max_num_fields=4)
    body: Json = {"reason": "".join(form.get("reason", [])).strip()} if verb == "discard" else {}
    suite: Suite = request.app.state.suite
    answer = await suite.tell(visitor, service, f"/v1/parked/{event_id}/{verb}", body)
    if answer.trouble:
        return await _show(request, visitor, answer.trouble)
    return RedirectResponse("/parked", 303)


async def _show(request: Request, visitor: Visitor, refused: str | None = None) -> HTMLResponse:
    suite: Suite = request.app.state.suite
    return page(
        request,
        "parked/page.html",
        visitor,
        status=409 if refused else 200,
        answers=await suite.ask_all(visitor, "/v1/parked"),
        is_operator=OPERATOR in visitor.caller.scopes,
        refused=refused,
    )
