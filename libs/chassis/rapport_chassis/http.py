"""The HTTP application of a service, made from its parts."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from rapport_chassis.auth import TokenRefused
from rapport_chassis.batch import batch_route
from rapport_chassis.commands import command_routes
from rapport_chassis.desk import Desk
from rapport_chassis.entrance import Entrance, correlation_of
from rapport_chassis.feed_routes import feed_router
from rapport_chassis.health import health_routes
from rapport_chassis.keysets import KeysUnreachable
from rapport_chassis.lane import Lane
from rapport_chassis.ledger_routes import ledger_router
from rapport_chassis.openapi import document
from rapport_chassis.parked_routes import parked_router
from rapport_chassis.privacy_routes import privacy_router
from rapport_chassis.problems import FAULT, Refused, problem_of
from rapport_chassis.service import Service
from rapport_chassis.view_routes import view_router
from rapport_chassis.webhooks.routes import webhook_router
from rapport_events.errors import Refusal

_ANSWERED = (HTTPException, RequestValidationError, Refusal, Refused, TokenRefused, KeysUnreachable, Exception)
"""The usual ones are named, because FastAPI answers these without raising them once more."""


def make_app(desk: Desk) -> Entrance:
    """Return the ASGI application of a service; whoever serves it also runs `cut_off`."""
    service = desk.service
    app = FastAPI(
        title=f"Rapport {service.name}",
        docs_url=None,
        redoc_url=None,
        lifespan=service.lifespan,
    )
    app.state.desk = desk
    for error in _ANSWERED:
        app.add_exception_handler(error, _answer_error)
    # The same routes again as the entrance knows: here they answer for methods that they do not take.
    lane = [*command_routes(desk), *([batch_route(desk)] if service.handlers else [])]
    app.router.routes.extend(lane)
    app.router.routes.extend(health_routes(desk.readiness))
    include_routes(app, service)
    if service.extend is not None:
        service.extend(app)
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(document(app, service))
        return made

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to make the document oneself
    return Entrance(app, service.name, Lane(lane), answer_seconds=desk.answer_seconds)


def include_routes(app: FastAPI, service: Service) -> None:
    """Add all routes that a service documents, besides its commands."""
    if service.owns_ledger:
        app.include_router(ledger_router())
        app.include_router(feed_router())
        app.include_router(privacy_router())
        app.include_router(webhook_router())
        app.include_router(view_router())
        app.include_router(parked_router())
    for router in service.routers:
        app.include_router(router)


async def _answer_error(request: Request, error: Exception) -> Response:
    return (problem_of(error) or FAULT).response(correlation_of(request.scope))
