"""The routes of webhooks that commands alone cannot be: making one, a new secret, and how deliveries stand."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from rapport_chassis.answers import answer_json
from rapport_chassis.auth import Caller
from rapport_chassis.commands import key_of
from rapport_chassis.desk import AtDesk, Desk, ScopeMissing
from rapport_chassis.entrance import correlation_of, traceparent_of
from rapport_chassis.positions import HEADER
from rapport_chassis.reading import PERSONAL, Read
from rapport_chassis.webhooks.addresses import target_of
from rapport_chassis.webhooks.commands import REGISTER, ROTATE, RegisterWebhook, RotateSecret
from rapport_chassis.webhooks.signing import secret_of, to_text
from rapport_events.command import Command, Handler, Request as Wish
from rapport_events.contracts.base import Moment
from rapport_events.contracts.platform import TypePattern, WebAddress
from rapport_events.ids import new_id, partition_of_key
from rapport_events.results import Done
from rapport_events.statements import load

IdempotencyKey = Annotated[str | None, Header(description="Makes a repeat safe: it gets the first answer.")]


class WebhookWish(BaseModel):
    """Where events are to be delivered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: WebAddress
    types: Annotated[tuple[TypePattern, ...], Field(min_length=1, max_length=50)] = ("*",)
    open: bool = False
    """Open personal values at delivery; needs the scope personal:read."""
    since: Moment | None = None
    """Begin with what was recorded at this moment; without it with what is recorded from now on."""


class WebhookSecret(BaseModel):
    """A webhook, and the secret that is shown only here."""

    id: UUID
    secret: str = Field(examples=["whsec_…"])
    secret_version: int


class WebhookLine(BaseModel):
    """How one webhook stands."""

    webhook_id: UUID
    address: str
    types: list[str]
    is_open: bool
    secret_version: int
    former_until: datetime | None
    state: str = Field(description="`active`, or why nothing is delivered: `asked`, `exhausted`, `gone`.")
    registered_at: datetime
    waiting: int
    failed: int
    next_at: datetime | None = Field(description="When the next attempt is due.")
    delivered_at: datetime | None = Field(description="When a delivery was last taken.")


class WebhooksAnswer(BaseModel):
    """The webhooks of a tenant."""

    webhooks: list[WebhookLine]


class DeliveryLine(BaseModel):
    """One delivery."""

    event_id: UUID
    type: str
    partition: int
    position: int
    state: str
    attempts: int
    next_at: datetime
    tried_at: datetime | None
    status: int | None
    error: str | None


class DeliveriesAnswer(BaseModel):
    """Deliveries to one webhook, the newest attempts first."""

    deliveries: list[DeliveryLine]


def webhook_router() -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["webhooks"])
    router.add_api_route("/v1/webhooks", get_webhooks, operation_id="get_webhooks")
    router.add_api_route(
        "/v1/webhooks",
        register_webhook,
        methods=["POST"],
        operation_id="register_webhook",
        status_code=201,
        response_model=WebhookSecret,
    )
    router.add_api_route(
        "/v1/webhooks/{webhook}/rotate",
        rotate_secret,
        methods=["POST"],
        operation_id="rotate_webhook_secret",
        response_model=WebhookSecret,
    )
    router.add_api_route("/v1/webhooks/{webhook}/deliveries", get_deliveries, operation_id="get_webhook_deliveries")
    return router


async def register_webhook(
    request: Request, desk: AtDesk, wish: WebhookWish, idempotency_key: IdempotencyKey = None
) -> Response:
    """Deliver events to an address; the answer shows the secret of its signatures, for the only time."""
    caller = await _admit(request, desk)
    if wish.open and PERSONAL not in caller.scopes:
        raise ScopeMissing(scope=PERSONAL)
    target_of(wish.address, desk.outgoing)
    command = RegisterWebhook(
        webhook=new_id(partition_of_key(caller.tenant, caller.tenant)),
        address=wish.address,
        types=wish.types,
        is_open=wish.open,
        since=wish.since,
    )
    body = wish.model_dump_json().encode()
    done = await _carry_out(request, desk, caller, REGISTER, command, body, idempotency_key)
    return await _show_secret(desk, caller, done, 1, status=201)


async def rotate_secret(
    request: Request, desk: AtDesk, webhook: UUID, idempotency_key: IdempotencyKey = None
) -> Response:
    """Sign with a new secret, which is shown only here; for 24 h deliveries carry a signature of the former one too."""
    caller = await _admit(request, desk)
    done = await _carry_out(
        request, desk, caller, ROTATE, RotateSecret(webhook=webhook), webhook.bytes, idempotency_key
    )
    events = (await desk.store.ledger.read_streams(caller.tenant, [done.stream], to_version=done.version))[done.stream]
    version = 1 + sum(event.type.startswith("crm.webhook.secret_rotated.") for event in events)
    return await _show_secret(desk, caller, done, version, status=200)


async def get_webhooks(read: Read) -> WebhooksAnswer:
    """Show where events are delivered to, and what waits."""
    async with read.rows() as connection:
        rows = await connection.fetch(load("rapport_chassis", "webhooks/list"))
    return WebhooksAnswer(webhooks=[WebhookLine.model_validate(dict(row)) for row in rows])


async def get_deliveries(
    read: Read,
    webhook: UUID,
    state: Literal["pending", "delivered", "failed"] | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DeliveriesAnswer:
    """Show what was delivered to a webhook, and what could not be."""
    async with read.rows() as connection:
        rows = await connection.fetch(load("rapport_chassis", "webhooks/deliveries"), webhook, state, limit)
    return DeliveriesAnswer(deliveries=[DeliveryLine.model_validate(dict(row)) for row in rows])


async def _admit(request: Request, desk: Desk) -> Caller:
    """Let pass who may write here, and also read: a webhook is told what its maker could read."""
    name = desk.service.name
    await desk.admit(request, f"{name}:read")
    return await desk.admit(request, f"{name}:write")


async def _carry_out(
    request: Request,
    desk: Desk,
    caller: Caller,
    handler: Handler[Any, Any],
    command: Command,
    body: bytes,
    key: str | None,
) -> Done:
    wish = Wish(
        tenant=caller.tenant,
        actor=caller.subject,
        handler=handler,
        command=command,
        correlation_id=correlation_of(request.scope) or str(uuid4()),
        key=key_of(key.encode() if key is not None else None),
        body=body,
        traceparent=traceparent_of(request.scope),
    )
    (result,) = await desk.store.executor.execute([wish])
    if not isinstance(result, Done):
        raise result
    return result


async def _show_secret(desk: Desk, caller: Caller, done: Done, version: int, *, status: int) -> Response:
    keys = await desk.store.keyring.tenant_keys(caller.tenant)
    webhook = UUID(done.id)
    answer = WebhookSecret(id=webhook, secret=to_text(secret_of(keys, webhook, version)), secret_version=version)
    headers = {HEADER: await desk.token_of([done]), "Cache-Control": "no-store"}
    return answer_json(answer.model_dump(), status, headers)
