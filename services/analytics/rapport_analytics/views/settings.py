"""Settings: the zone and the currency that a tenant's reports follow."""

from typing import ClassVar

import msgspec

from rapport_events.contracts.contacts import TenantConfigured
from rapport_events.rows import Row, Rows
from rapport_events.view import Batch, Fact


class Configured(msgspec.Struct):
    """What reports need of a tenant's settings."""

    zone: str
    currency: str


class Settings(Rows):
    """One row for each tenant; the latest settings stand."""

    name = "settings"
    package = "rapport_analytics"
    statement = "set_settings"
    reads: ClassVar = {TenantConfigured: Configured}

    def fold(self, state: list[Row], batch: Batch) -> list[Row]:
        """Keep each tenant's last settings of the batch: a statement may write a row once."""
        return list({fact.tenant: self.row(fact) for fact in batch}.values())

    def row(self, fact: Fact) -> Row:
        """Take zone and currency."""
        return (fact.tenant, fact.event.zone, fact.event.currency, fact.recorded_at)
