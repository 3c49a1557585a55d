"""What we remember about a tenant in order to decide: its settings, as they were stated last."""

from dataclasses import dataclass

from rapport_events.contracts.contacts import TenantConfigured


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant; nothing is stated at first."""

    settings: TenantConfigured | None = None


def evolve(_tenant: Tenant, event: TenantConfigured) -> Tenant:
    """Return the tenant as it is after an event."""
    return Tenant(event)
