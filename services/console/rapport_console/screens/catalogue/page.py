"""Catalogue: every type of events with its meaning, schema, example, producers and consumers."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from rapport_console.pages import page
from rapport_console.screens.catalogue.contracts import Entry, entries, entry_of
from rapport_console.session import Session
from rapport_console.suite import Answer, Suite

router = APIRouter(include_in_schema=False)


@router.get("/catalogue")
async def find(request: Request, visitor: Session, q: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
    """List the types that are found by some words."""
    return page(request, "catalogue/page.html", visitor, entries=entries(q), q=q)


@router.get("/catalogue/{name}")
async def show(request: Request, visitor: Session, name: str) -> HTMLResponse:
    """Show one type."""
    suite: Suite = request.app.state.suite
    entry = entry_of(name)
    answers = await suite.ask_all(visitor, "/v1/readers") if entry is not None else []
    status = 200 if entry is not None else 404
    readers = readers_of(entry, answers) if entry is not None else []
    away = [answer for answer in answers if answer.trouble]
    return page(
        request, "catalogue/entry.html", visitor, status=status, entry=entry, name=name, readers=readers, away=away
    )


def readers_of(entry: Entry, answers: Sequence[Answer]) -> list[tuple[str, str]]:
    """Return service and view of those who read a type, as the services tell it."""
    names = {entry.name, *entry.former}
    return [
        (answer.service, reader["view"])
        for answer in answers
        if answer.found
        for reader in answer.found["readers"]
        if names & set(reader.get("types", ()))
    ]
