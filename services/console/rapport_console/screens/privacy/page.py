"""Privacy: what a person asked for in their own right; hand over all that is kept, or forget the person."""

from typing import Final
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from rapport_console.pages import page
from rapport_console.session import Session, Visitor
from rapport_console.suite import Json, Suite

router = APIRouter(include_in_schema=False)

TYPED: Final = 8
"""So many of the id's first letters are typed to confirm an erasure: nobody types them by accident."""


@router.get("/customers/{customer_id}/privacy")
async def show(request: Request, visitor: Session, customer_id: UUID) -> HTMLResponse:
    """Show requests with their certificates, and what an erasure would concern."""
    return await _show(request, visitor, customer_id)


@router.post("/customers/{customer_id}/privacy/erase")
async def erase(request: Request, visitor: Session, customer_id: UUID) -> Response:
    """Ask for exactly what was shown to be forgotten, once that was confirmed by hand."""
    form = parse_qs((await request.body()).decode(errors="replace"), max_num_fields=1_010)
    if "".join(form.get("typed", [])).strip().lower() != str(customer_id)[:TYPED]:
        return await _show(request, visitor, customer_id, "Nothing was done: what was typed is not what was asked for.")
    suite: Suite = request.app.state.suite
    body = {"customer_ids": form.get("id", [])}
    answer = await suite.tell(visitor, "contacts", f"/v1/customers/{customer_id}/erase", body)
    if answer.trouble:
        return await _show(request, visitor, customer_id, answer.trouble)
    return RedirectResponse(f"/customers/{customer_id}/privacy", 303)


async def _show(request: Request, visitor: Visitor, customer_id: UUID, refused: str | None = None) -> HTMLResponse:
    suite: Suite = request.app.state.suite
    path = f"/v1/customers/{customer_id}"
    asked = await suite.ask(visitor, "contacts", f"{path}/privacy")
    preview = await suite.ask(visitor, "contacts", f"{path}/erasure-preview")
    requests: list[Json] = asked.found["requests"] if asked.found else []
    erasures = [str(each["state"]) for each in requests if each["kind"] == "erasure" and each["state"] != "refused"]
    return page(
        request,
        "privacy/page.html",
        visitor,
        status=409 if refused else 200,
        customer_id=customer_id,
        asked=asked,
        preview=preview,
        erasure=erasures[0] if erasures else None,
        typed=str(customer_id)[:TYPED],
        refused=refused,
    )
