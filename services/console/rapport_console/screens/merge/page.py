"""Merge: choose the survivor, see what a merge would make of the two, choose whose values show; and un-merge."""

from collections.abc import Iterable
from typing import Annotated, Final
from urllib.parse import parse_qsl, quote
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from rapport_console.pages import page
from rapport_console.session import Session, Visitor
from rapport_console.suite import Suite

router = APIRouter(include_in_schema=False)

FOUND_MAX: Final = 20
KEEP: Final = "keep."
"""What a choice's name begins with in the form."""


@router.get("/customers/{customer_id}/merge")
async def show(
    request: Request,
    visitor: Session,
    customer_id: UUID,
    survivor: UUID | None = None,
    q: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    """Show whom the customer can be merged into, or what merging into the chosen one would make of them."""
    if survivor is not None:
        return await _preview(request, visitor, customer_id, survivor, request.query_params.multi_items())
    suite: Suite = request.app.state.suite
    card = await suite.ask(visitor, "contacts", f"/v1/customers/{customer_id}")
    found = await suite.ask(visitor, "contacts", "/v1/customers", q=q or None, limit=FOUND_MAX)
    return page(request, "merge/choose.html", visitor, customer_id=customer_id, card=card, found=found, q=q)


@router.post("/customers/{customer_id}/merge")
async def merge(request: Request, visitor: Session, customer_id: UUID) -> Response:
    """Merge, with the choices of the form."""
    form = parse_qsl((await request.body()).decode(errors="replace"), max_num_fields=60)
    survivor = dict(form).get("survivor", "")
    suite: Suite = request.app.state.suite
    body = {
        "survivor_id": survivor,
        "field_choices": [{"field": field, "keep": kept} for field, kept in _choices(form)],
    }
    answer = await suite.tell(visitor, "contacts", f"/v1/customers/{customer_id}/merge", body)
    if answer.found is None:
        return await _preview(request, visitor, customer_id, UUID(survivor), form, answer.trouble)
    return RedirectResponse(f"/customers/{survivor}?after={quote(answer.found['position'] or '')}", 303)


@router.post("/customers/{customer_id}/unmerge")
async def unmerge(request: Request, visitor: Session, customer_id: UUID) -> Response:
    """Take a merge back, and show the customer that had been merged."""
    suite: Suite = request.app.state.suite
    answer = await suite.tell(visitor, "contacts", f"/v1/customers/{customer_id}/unmerge", {})
    if answer.found is None:
        return page(request, "merge/refused.html", visitor, status=409, customer_id=customer_id, refused=answer.trouble)
    return RedirectResponse(f"/customers/{customer_id}?after={quote(answer.found['position'] or '')}", 303)


async def _preview(
    request: Request,
    visitor: Visitor,
    customer_id: UUID,
    survivor: UUID,
    form: Iterable[tuple[str, str]],
    refused: str | None = None,
) -> HTMLResponse:
    suite: Suite = request.app.state.suite
    keep = [f"{field}:{kept}" for field, kept in _choices(form)]
    path = f"/v1/customers/{customer_id}/merge-preview"
    preview = await suite.ask(visitor, "contacts", path, survivor=str(survivor), keep=keep)
    return page(
        request,
        "merge/page.html",
        visitor,
        status=409 if refused else 200,
        customer_id=customer_id,
        survivor=survivor,
        preview=preview,
        refused=refused,
    )


def _choices(form: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name.removeprefix(KEEP), value) for name, value in form if name.startswith(KEEP)]
