"""What can be wished of webhooks, and how it is decided."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Final, Literal, Protocol, TypeVar, cast
from uuid import UUID

from pydantic import Field

from rapport_events.command import Command, Handler, Occasion, Target
from rapport_events.contracts.base import Moment
from rapport_events.contracts.platform import (
    TypePattern,
    WebAddress,
    WebhookDisabled,
    WebhookEnabled,
    WebhookFact,
    WebhookRegistered,
    WebhookRemoved,
    WebhookRewound,
    WebhookSecretRotated,
)
from rapport_events.errors import Missing

C = TypeVar("C", bound=Command)
Decide = Callable[[C, "Webhook", Occasion], Sequence[WebhookFact]]

FORMER_SECRET = timedelta(hours=24)
"""For this time after a rotation deliveries carry both signatures."""


class WebhookNotFound(Missing):
    """There is no such webhook, or it was removed."""

    code = "webhook_not_found"


@dataclass(frozen=True, slots=True)
class Webhook:
    """What we remember about one webhook in order to decide."""

    is_there: bool = False
    is_active: bool = False
    secret_version: int = 1


def evolve(webhook: Webhook, event: WebhookFact) -> Webhook:
    """Return the webhook as it is after an event."""
    match event:
        case WebhookRegistered():
            return replace(webhook, is_there=True, is_active=True)
        case WebhookSecretRotated():
            return replace(webhook, secret_version=event.secret_version)
        case WebhookDisabled():
            return replace(webhook, is_active=False)
        case WebhookEnabled():
            return replace(webhook, is_active=True)
        case WebhookRemoved():
            return replace(webhook, is_there=False, is_active=False)
        case _:
            return webhook


class RegisterWebhook(Command):
    """Deliver events to an address."""

    webhook: UUID
    address: WebAddress
    types: Annotated[tuple[TypePattern, ...], Field(min_length=1, max_length=50)]
    is_open: bool
    since: Moment | None = None


class RotateSecret(Command):
    """Sign with a new secret."""

    webhook: UUID


class DisableWebhook(Command):
    """Deliver nothing for now."""

    webhook: UUID


class StopWebhook(Command):
    """Deliver nothing, for the receiver does not take it."""

    webhook: UUID
    reason: Literal["exhausted", "gone"]


class EnableWebhook(Command):
    """Deliver again."""

    webhook: UUID


class ReplayWebhook(Command):
    """Deliver again what was recorded since a moment."""

    webhook: UUID
    since: Moment


class RemoveWebhook(Command):
    """Deliver nothing any more."""

    webhook: UUID


def _register(command: RegisterWebhook, webhook: Webhook, occasion: Occasion) -> Sequence[WebhookFact]:
    if webhook.is_there:
        return []
    return [
        WebhookRegistered(
            webhook_id=occasion.id,
            address=command.address,
            types=command.types,
            is_open=command.is_open,
            since=command.since,
        )
    ]


def _rotate(_command: RotateSecret, webhook: Webhook, occasion: Occasion) -> Sequence[WebhookFact]:
    _must_be_there(webhook)
    return [
        WebhookSecretRotated(
            webhook_id=occasion.id,
            secret_version=webhook.secret_version + 1,
            former_until=occasion.now + FORMER_SECRET,
        )
    ]


def _disable(_command: DisableWebhook, webhook: Webhook, occasion: Occasion) -> Sequence[WebhookFact]:
    _must_be_there(webhook)
    return [WebhookDisabled(webhook_id=occasion.id, reason="asked")] if webhook.is_active else []


def _stop(command: StopWebhook, webhook: Webhook, occasion: Occasion) -> Sequence[WebhookFact]:
    return [WebhookDisabled(webhook_id=occasion.id, reason=command.reason)] if webhook.is_active else []


def _enable(_command: EnableWebhook, webhook: Webhook, occasion: Occasion) -> Sequence[WebhookFact]:
    _must_be_there(webhook)
    return [] if webhook.is_active else [WebhookEnabled(webhook_id=occasion.id)]


def _replay(command: ReplayWebhook, webhook: Webhook, occasion: Occasion) -> Sequence[WebhookFact]:
    _must_be_there(webhook)
    return [WebhookRewound(webhook_id=occasion.id, since=command.since)]


def _remove(_command: RemoveWebhook, webhook: Webhook, occasion: Occasion) -> Sequence[WebhookFact]:
    return [WebhookRemoved(webhook_id=occasion.id)] if webhook.is_there else []


def _must_be_there(webhook: Webhook) -> None:
    if not webhook.is_there:
        raise WebhookNotFound


class _Existing(Protocol):
    """A wish about a webhook that exists."""

    @property
    def webhook(self) -> UUID: ...


def _changing(name: str, verb: str, command: type[C], decide: Decide[C]) -> Handler[C, Webhook]:
    def target(command: C) -> Target:
        return Target("webhook", id=cast("_Existing", command).webhook)

    route = f"/v1/webhooks/{{webhook}}/{verb}"
    return Handler(name, route, command, Webhook(), evolve, decide, target, tags=("webhooks",))


REGISTER = Handler(
    name="register_webhook",
    route="/v1/webhooks",
    command=RegisterWebhook,
    initial=Webhook(),
    evolve=evolve,
    decide=_register,
    target=lambda command: Target("webhook", id=command.webhook, begins=True),
)
ROTATE = _changing("rotate_webhook_secret", "rotate", RotateSecret, _rotate)
STOP = _changing("stop_webhook", "stop", StopWebhook, _stop)
"""The suite's own; callers ask with `DisableWebhook`."""
HANDLERS: Final = (
    _changing("disable_webhook", "disable", DisableWebhook, _disable),
    _changing("enable_webhook", "enable", EnableWebhook, _enable),
    _changing("replay_webhook", "replay", ReplayWebhook, _replay),
    _changing("remove_webhook", "remove", RemoveWebhook, _remove),
)
"""Those that every service with a ledger takes like its own commands."""
