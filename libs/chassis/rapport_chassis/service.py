"""A service as one value: what it publishes, takes, keeps and answers; everything else is computed from it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from fastapi import APIRouter, FastAPI

from rapport_chassis.chores import Chore
from rapport_chassis.outside import MakePerformer
from rapport_chassis.settings import Settings, SettingsRefused
from rapport_events.command import Handler
from rapport_events.contracts.base import Event
from rapport_events.derivations import Derivation
from rapport_events.view import View

GROUP = "rapport.services"
"""The entry points by which installed services are found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What `app.py` says of a service."""

    name: str
    """For example `contacts`; also the source of its events, and the middle of its settings' names."""
    package: str
    """For example `rapport_contacts`."""
    publishes: tuple[type[Event], ...] = ()
    handlers: tuple[Handler[Any, Any], ...] = ()
    views: tuple[View[Any, Any], ...] = ()
    """Read models, and at most one view that holds the reactions."""
    derivations: tuple[Derivation, ...] = ()
    """What follows for parties whose facts have changed; decided beside the readers."""
    fires_timers: bool = False
    """Whether the role `effects` fires what its view `Timers` keeps."""
    chores: tuple[Chore, ...] = ()
    """Work of the role `effects`."""
    performers: tuple[MakePerformer, ...] = ()
    """Who does outside what its view `Effects` keeps."""
    routers: tuple[APIRouter, ...] = ()
    needs_if_match: frozenset[str] = frozenset()
    """Names of commands that are refused without the header If-Match."""
    owns_ledger: bool = True
    """Whether it has a database; the console has none."""
    settings: tuple[type[Settings], ...] = ()
    """Further groups of settings, with the service's prefix."""
    extend: Callable[[FastAPI], None] | None = None
    """Adds what routers cannot express, such as mounted files."""
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None
    """Holds what the routes need as long as HTTP is served."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The services whose facts its views read."""
        return tuple(sorted({source for view in self.views for source in view.sources}))


def find_names() -> list[str]:
    """Return the names of all installed services."""
    return sorted(point.name for point in entry_points(group=GROUP))


def find_services(names: list[str]) -> list[Service]:
    """
    Load installed services by name.

    Raises:
        SettingsRefused: A name is not installed.
    """
    found = {point.name: point for point in entry_points(group=GROUP)}
    unknown = [name for name in names if name not in found]
    if unknown:
        raise SettingsRefused(
            [f"{name} is no installed service; there are: {', '.join(sorted(found))}" for name in unknown]
        )
    services = [found[name].load() for name in names]
    for service in services:
        if not isinstance(service, Service):
            msg = f"the entry point of a service in {GROUP} must be a Service"
            raise TypeError(msg)
    return services
