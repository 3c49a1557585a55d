"""Mail: what the suite has sent to the mail catcher, for the visitor's tenant."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from rapport_chassis.reading import PERSONAL
from rapport_console.catcher import Catcher
from rapport_console.pages import page
from rapport_console.session import Session

router = APIRouter(include_in_schema=False)


@router.get("/mails")
async def show(request: Request, visitor: Session, number: int | None = None) -> HTMLResponse:
    """List mails, the newest first, and show one of them as text; only to whoever may read personal data."""
    catcher: Catcher | None = request.app.state.catcher
    may_read = PERSONAL in visitor.caller.scopes
    mails = catcher.of_tenant(visitor.caller.tenant) if catcher is not None and may_read else []
    chosen = next((mail for mail in mails if mail.number == number), None)
    return page(
        request,
        "mails/page.html",
        visitor,
        is_caught=catcher is not None,
        may_read=may_read,
        mails=mails,
        chosen=chosen,
        number=number,
    )
