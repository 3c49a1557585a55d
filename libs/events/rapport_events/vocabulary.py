"""Which types exist, who publishes them, and which major of each is current: all computed from the unions."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import get_args

from rapport_events.contracts.analytics import AnalyticsEvent
from rapport_events.contracts.base import Event
from rapport_events.contracts.contacts import ContactsEvent
from rapport_events.contracts.interactions import InteractionsEvent
from rapport_events.contracts.workflow import WorkflowEvent
from rapport_events.upcasts import UPCASTS, Upcasts

_TYPE = re.compile(r"crm\.[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*\.v[1-9][0-9]*")
_VERSION = re.compile(r"[1-9][0-9]*\.[0-9]+")


class UnknownMajor(ValueError):
    """An event of a known type, in a major that this code cannot read: it is newer, or its upcast is missing."""

    def __init__(self, type_name: str, event: type[Event]) -> None:
        super().__init__(f"{type_name} is a major that this release cannot read")
        self.type = type_name
        self.event = event
        """The class of the current major."""


@lru_cache(maxsize=1_024)
def type_of(event: type[Event]) -> str:
    """Return a class's type on the wire, for example `crm.customer.created.v1`."""
    name: object = event.model_fields["type"].default
    if not isinstance(name, str) or not _TYPE.fullmatch(name):
        msg = f'{event.__name__} needs a type like Literal["crm.noun.past_tense.v1"] with the same default'
        raise TypeError(msg)
    return name


@lru_cache(maxsize=1_024)
def schema_of(event: type[Event]) -> str:
    """Return the full version of a class's schema, for example `1.0`."""
    version = event.schema_version
    if not _VERSION.fullmatch(version) or version.partition(".")[0] != type_of(event).rpartition(".v")[2]:
        msg = f"{event.__name__}: schema_version {version!r} is not <major of the type>.<number>"
        raise TypeError(msg)
    return version


class Vocabulary:
    """The types that are spoken; there is one released, tests make others."""

    def __init__(self, unions: Mapping[str, object], upcasts: Upcasts) -> None:
        """
        Compute the vocabulary.

        Args:
            unions: For each service the union of the events that it publishes.
            upcasts: The way from former majors into these.

        Raises:
            TypeError: Two classes are majors of one type, or a class's type or version is malformed.
        """
        self.upcasts = upcasts
        self.published = MappingProxyType({service: tuple(_members(union)) for service, union in unions.items()})
        events = {type_of(event): event for members in self.published.values() for event in members}
        self.events: Mapping[str, type[Event]] = MappingProxyType(events)
        self._majors = {name.rpartition(".v")[0]: event for name, event in events.items()}
        if len(self._majors) < len({event for members in self.published.values() for event in members}):
            msg = "a type is published in one major, by one class"
            raise TypeError(msg)
        self._readable = dict(events)
        for name, event in events.items():
            schema_of(event)
            self._readable |= dict.fromkeys(upcasts.sources(name), event)

    def class_of(self, type_name: str) -> type[Event] | None:
        """
        Return the class in which events of a type are read; None where the type is not known at all.

        Raises:
            UnknownMajor: The type is known, this major of it is not.
        """
        event = self._readable.get(type_name)
        if event is None and (current := self._majors.get(type_name.rpartition(".v")[0])) is not None:
            raise UnknownMajor(type_name, current)
        return event

    def is_known(self, type_name: str) -> bool:
        """Say from the header alone whether events of a type can be read."""
        return type_name in self._readable

    def types_of(self, event: type[Event]) -> tuple[str, ...]:
        """Return the types that are read as a class: former majors that have upcasts, and last its own."""
        return (*self.upcasts.sources(type_of(event)), type_of(event))

    def source_of(self, event: type[Event]) -> tuple[str, ...]:
        """Return the services that publish a class: one, or for a fact about the suite's own work several."""
        return tuple(service for service, members in self.published.items() if event in members)


def _members(union: object) -> Iterator[type[Event]]:
    """Yield the classes of a union alias, or of a union of one."""
    if isinstance(union, type) and issubclass(union, Event):
        yield union
        return
    for part in get_args(union):
        yield from _members(part)


RELEASED = Vocabulary(
    {
        "contacts": ContactsEvent,
        "interactions": InteractionsEvent,
        "workflow": WorkflowEvent,
        "analytics": AnalyticsEvent,
    },
    UPCASTS,
)
"""What this release speaks."""

EVENTS = RELEASED.events
"""Every released type and its class."""
