"""Where spans begin and end; nothing happens, and nothing of OpenTelemetry is loaded, until a tracer is installed."""

import re
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal, Protocol

Kind = Literal["server", "internal", "producer", "consumer"]
Facts = Mapping[str, str | int | None]
"""Ids, codes, names of our own and counts; never what a person is called, wrote or is reached at."""

service_at_work: Final[ContextVar[str]] = ContextVar("service_at_work", default="rapport")
"""Whose work a task does; tasks that it starts inherit it."""
TRACEPARENT: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_SAMPLED: Final = 1


class Span(Protocol):
    """Something that takes time."""

    @property
    def traceparent(self) -> str | None:
        """What follows from it names this as its parent (W3C trace context)."""
        ...

    def end(self, *, name: str | None = None, error: str | None = None, facts: Facts | None = None) -> None:
        """
        Close it.

        Args:
            name: A better one, known only now.
            error: The kind of what went wrong; its text could quote a person.
            facts: What came out.
        """
        ...


class Tracer(Protocol):
    """Keeps spans, or sends them somewhere."""

    def begin(
        self, service: str, kind: Kind, name: str, *, parent: str | None, links: Collection[str], facts: Facts
    ) -> Span:
        """Open a span: a child of `parent`, or one that is linked to other traces."""
        ...


class Untraced:
    """Stands for a span where nobody traces; the caller's context is passed on as it came."""

    __slots__ = ("traceparent",)

    def __init__(self, parent: str | None) -> None:
        self.traceparent = parent

    def end(self, *, name: str | None = None, error: str | None = None, facts: Facts | None = None) -> None:
        """Do nothing."""


class _Installed:
    tracer: Tracer | None = None


def install(tracer: Tracer | None) -> None:
    """Have all spans of this process kept by a tracer from now on, or by none."""
    _Installed.tracer = tracer


def is_sampled(traceparent: str) -> bool:
    """Say whether whoever began a trace wants it to be kept."""
    return bool(int(traceparent[-2:], 16) & _SAMPLED)


def begin(
    service: str, kind: Kind, name: str, *, parent: str | None = None, facts: Facts | None = None
) -> Span | Untraced:
    """Open a span that the caller ends."""
    tracer = _Installed.tracer
    if tracer is None:
        return Untraced(parent)
    return tracer.begin(service, kind, name, parent=parent, links=(), facts=facts or {})


@contextmanager
def traced(
    service: str, kind: Kind, name: str, *, parent: str | None = None, facts: Facts | None = None
) -> Generator[str | None]:
    """Trace what is done inside; gives the `traceparent` for whatever follows from it."""
    span = begin(service, kind, name, parent=parent, facts=facts)
    try:
        yield span.traceparent
    except BaseException as error:
        span.end(error=type(error).__name__)
        raise
    span.end()


@contextmanager
def traced_batch(kind: Kind, name: str, traces: Iterable[str | None], *, facts: Facts | None = None) -> Generator[None]:
    """
    Trace work over records of many traces: it is linked to each that is sampled, and a child of none.

    Args:
        traces: `traceparent` of each record; not looked at where nobody traces.
    """
    tracer = _Installed.tracer
    links = {each for each in traces if each is not None and is_sampled(each)} if tracer is not None else ()
    if tracer is None or not links:
        yield
        return
    span = tracer.begin(service_at_work.get(), kind, name, parent=None, links=links, facts=facts or {})
    try:
        yield
    except BaseException as error:
        span.end(error=type(error).__name__)
        raise
    span.end()
