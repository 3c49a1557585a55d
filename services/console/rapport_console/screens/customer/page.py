"""Customer: card, stage and totals, tasks, and all that happened, each from its own service, now or on another day."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from rapport_console.pages import page
from rapport_console.screens.customer.when import By, moments_in, read_when
from rapport_console.session import Session
from rapport_console.suite import Answer, Suite

router = APIRouter(include_in_schema=False)

ENTRIES = 30
Day = Annotated[str, Query(max_length=20)]


@router.get("/customers/{customer_id}")
async def show(
    request: Request,
    visitor: Session,
    customer_id: UUID,
    on: Day = "",
    by: By = "happened",
    since: Day = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show a customer, with all that was recorded up to `after`; asked with a cursor by htmx, only the next entries."""
    suite: Suite = request.app.state.suite
    after = request.query_params.get("after")
    when = read_when(on, by, since, datetime.now(UTC).date())
    path = f"/v1/customers/{customer_id}"
    question = {**when.question, **({"after": after} if after else {})}
    earlier: dict[str, str | int] = {"limit": ENTRIES, **question}
    if cursor is not None and request.headers.get("hx-request") == "true":
        more = await suite.ask(visitor, "interactions", f"{path}/timeline", cursor=cursor, **earlier)
        return page(request, "customer/entries.html", visitor, timeline=more, customer_id=customer_id, when=when)
    async with asyncio.TaskGroup() as group:
        card = group.create_task(suite.ask(visitor, "contacts", path, **question))
        fields = group.create_task(suite.ask(visitor, "contacts", f"{path}/fields", **question))
        stage = group.create_task(suite.ask(visitor, "analytics", f"{path}/stage", **question))
        totals = group.create_task(suite.ask(visitor, "analytics", f"{path}/totals", **question))
        timeline = group.create_task(suite.ask(visitor, "interactions", f"{path}/timeline", **earlier))
        tasks = runs = segments = None
        if not when.is_past:
            tasks = group.create_task(suite.ask(visitor, "workflow", "/v1/tasks", customer=str(customer_id)))
            segments = group.create_task(suite.ask(visitor, "analytics", f"{path}/segments", **question))
            runs = group.create_task(suite.ask(visitor, "workflow", "/v1/runs", customer=str(customer_id)))
    answers = (card.result(), stage.result(), totals.result(), timeline.result())
    return page(
        request,
        "customer/page.html",
        visitor,
        customer_id=customer_id,
        when=when,
        slider=when.slider(moments_in(card.result().found, totals.result().found, timeline.result().found)),
        is_settled=all(is_settled(answer) for answer in answers if not answer.is_missing),
        card=card.result(),
        fields=fields.result(),
        stage=stage.result(),
        totals=totals.result(),
        timeline=timeline.result(),
        tasks=tasks.result() if tasks else None,
        runs=runs.result() if runs else None,
        segments=segments.result() if segments else None,
    )


def is_settled(answer: Answer) -> bool:
    """Say whether an answer about the past is the last word."""
    moment = answer.found.get("moment") if answer.found else None
    return bool(moment and moment["is_settled"])
