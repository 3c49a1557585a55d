"""Enter and leave: a token becomes a session."""

from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from rapport_chassis.auth import TokenRefused
from rapport_chassis.desk import desk_of
from rapport_console import session
from rapport_console.pages import page

router = APIRouter(include_in_schema=False)


@router.get("/enter")
async def show(request: Request) -> HTMLResponse:
    """Ask for a token; one behind the # of the address is taken by the page's script and never sent in an address."""
    return page(request, "enter/page.html", None, refused=None)


@router.post("/enter")
async def enter(request: Request) -> Response:
    """Begin a session, if the token in the form is good."""
    form = parse_qs((await request.body()).decode(errors="replace"), max_num_fields=4)
    token = "".join(form.get("token", [])).strip()[: session.TOKEN_LENGTH_MAX]
    try:
        await desk_of(request).verifier.verify(token)
    except TokenRefused:
        refused = "This token is not good any more, or none of this suite. Make a new one: rapport token --tenant NAME"
        return page(request, "enter/page.html", None, status=401, refused=refused)
    response = RedirectResponse("/", 303)
    session.begin(response, token, is_secure=request.url.scheme == "https")
    return response


@router.post("/leave")
async def leave() -> Response:
    """End the session."""
    response = RedirectResponse("/enter", 303)
    session.end(response)
    return response
