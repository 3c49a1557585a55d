"""Stating a tenant's settings."""

import pytest

from rapport_contacts.commands.configure_tenant import HANDLER, ConfigureTenant
from rapport_events.contracts.contacts import TenantConfigured
from rapport_events.testing import Deciding
from tests.slices import Slices

configuring = Deciding(HANDLER)
WISH = ConfigureTenant(name="Acme", zone="Europe/London", currency="GBP")
CONFIGURED = TenantConfigured(name="Acme", zone="Europe/London", currency="GBP")


def test_settings_are_stated_as_a_whole() -> None:
    configuring.when(WISH).then(CONFIGURED)


def test_equal_settings_are_no_news_and_others_replace_them() -> None:
    configuring.given(CONFIGURED).when(WISH).then_nothing()
    configuring.given(CONFIGURED.model_copy(update={"zone": "UTC"})).when(WISH).then(CONFIGURED)


async def test_the_settings_are_a_stream_of_the_tenant(contacts: Slices) -> None:
    answer = await contacts.wish("/v1/tenant/configure", {"name": "Acme", "zone": "UTC", "currency": "EUR"})

    assert answer.status_code == 201, answer.text
    assert answer.json()["stream"] == "tenant-acme"


@pytest.mark.parametrize("zone", ["word", "Europe", "Europe/Atlantis", "EUROPE/LONDON/", "-"])
async def test_a_zone_that_does_not_exist_is_refused(contacts: Slices, zone: str) -> None:
    answer = await contacts.wish("/v1/tenant/configure", {"name": "Acme", "zone": zone, "currency": "EUR"})

    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    assert answer.json()["errors"][0]["pointer"] == "/zone"
