"""Who looks at a page: the caller's own token, kept in a cookie that no script can read."""

from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.responses import Response

from rapport_chassis.auth import Caller, TokenRefused
from rapport_chassis.desk import desk_of

COOKIE: Final = "rapport_session"
TOKEN_LENGTH_MAX: Final = 4_000


class NotSignedIn(Exception):
    """There is no session, or its token has expired; the page to enter is shown."""


class Visitor:
    """A caller with the token that the services are asked with."""

    def __init__(self, caller: Caller, token: str) -> None:
        self.caller = caller
        self.token = token


async def visitor_of(request: Request) -> Visitor:
    """
    Admit whoever has a session.

    Raises:
        NotSignedIn: There is none, or its token is not good any more.
    """
    token = request.cookies.get(COOKIE, "")
    if not token:
        raise NotSignedIn
    try:
        caller = await desk_of(request).verifier.verify(token)
    except TokenRefused as error:
        raise NotSignedIn from error
    return Visitor(caller, token)


Session = Annotated[Visitor, Depends(visitor_of)]
"""The one dependency of a page."""


def begin(response: Response, token: str, *, is_secure: bool) -> None:
    """Keep the token for as long as the browser is open; no other site can use it."""
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=is_secure, path="/")


def end(response: Response) -> None:
    """Forget the token."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", path="/")
