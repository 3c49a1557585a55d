"""State the settings of the tenant: its name, and the zone and currency of its reports."""

from collections.abc import Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from rapport_contacts.tenant import Tenant, evolve
from rapport_events.command import Command, Handler, Occasion, Target
from rapport_events.contracts.base import Code, Currency, Language, Zone
from rapport_events.contracts.contacts import TenantConfigured


def _is_known(zone: str) -> str:
    """Refuse a name that no reader could make a day of: every report would fail from then on."""
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        msg = "is no zone; write a name such as Europe/London or UTC"
        raise ValueError(msg) from error
    return zone


class ConfigureTenant(Command):
    """All settings of the tenant; equal ones are no news."""

    name: Code
    zone: Annotated[Zone, AfterValidator(_is_known)]
    currency: Currency
    languages: Annotated[tuple[Language, ...], Field(max_length=20)] = ()


def decide(command: ConfigureTenant, tenant: Tenant, _occasion: Occasion) -> Sequence[TenantConfigured]:
    """Say what the settings are from now on."""
    settings = TenantConfigured(
        name=command.name, zone=command.zone, currency=command.currency, languages=command.languages
    )
    return [] if tenant.settings == settings else [settings]


HANDLER = Handler(
    name="configure_tenant",
    route="/v1/tenant/configure",
    command=ConfigureTenant,
    initial=Tenant(),
    evolve=evolve,
    decide=decide,
    target=lambda _command: Target("tenant"),
)
