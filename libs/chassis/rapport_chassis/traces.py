"""Send spans to an OpenTelemetry collector; loaded only where one is named, for it takes its time."""

from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span as Recording,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer as Source,
    TraceState,
    set_span_in_context,
)
from opentelemetry.util.types import Attributes

from rapport_events.tracing import Facts, Kind, install

LINKS_MAX: Final = 4_096
"""A poll brings at most half as many records."""
EXPORT_SECONDS: Final = 5
_SPANS_WAITING_MAX: Final = 16_384
_KINDS: Final[Mapping[Kind, SpanKind]] = {
    "server": SpanKind.SERVER,
    "internal": SpanKind.INTERNAL,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}


class Linked(Sampler):
    """Keeps what is linked to sampled traces; everything else as its parent says, and of what has none a share."""

    def __init__(self, ratio: float) -> None:
        self._others = ParentBased(TraceIdRatioBased(ratio))

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide about a span."""
        chosen: Sampler = ALWAYS_ON if links else self._others
        return chosen.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """Return its name, as OpenTelemetry asks."""
        return "Linked"


class Traced:
    """A span of OpenTelemetry, as the rest of the suite sees it."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: Recording) -> None:
        self._span = span
        context = span.get_span_context()
        self.traceparent: str | None = (
            f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
        )

    def end(self, *, name: str | None = None, error: str | None = None, facts: Facts | None = None) -> None:
        """Close it; of an error only its kind is told."""
        if name is not None:
            self._span.update_name(name)
        self._span.set_attributes(_attributes(facts or {}))
        if error is not None:
            self._span.set_status(Status(StatusCode.ERROR, error))
            self._span.set_attribute("error.type", error)
        self._span.end()


class OpenTelemetry:
    """Makes spans; a context is handed on by hand, for one that is attached to a task leaks when a handler raises."""

    def __init__(self, exporter: SpanExporter, *, ratio: float) -> None:
        self._processor = BatchSpanProcessor(exporter, max_queue_size=_SPANS_WAITING_MAX)
        self._sampler = Linked(ratio)
        self._sources: dict[str, Source] = {}

    def begin(
        self, service: str, kind: Kind, name: str, *, parent: str | None, links: Collection[str], facts: Facts
    ) -> Traced:
        """Open a span in the name of a service."""
        context = Context()
        if parent is not None:
            context = set_span_in_context(NonRecordingSpan(_context_of(parent)), context)
        linked = [Link(_context_of(each)) for each in sorted(links)]
        return Traced(
            self._source(service).start_span(
                name, context, _KINDS[kind], attributes=_attributes(facts), links=linked, record_exception=False
            )
        )

    def close(self) -> None:
        """Send what waits, and end."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]  # it says nothing of its types

    def _source(self, service: str) -> Source:
        found = self._sources.get(service)
        if found is None:
            provider = TracerProvider(
                self._sampler,
                Resource.create({"service.name": f"rapport-{service}"}),
                shutdown_on_exit=False,
                span_limits=SpanLimits(max_links=LINKS_MAX),
            )
            provider.add_span_processor(self._processor)
            found = self._sources[service] = provider.get_tracer("rapport")
        return found


@contextmanager
def tracing_to(endpoint: str | None, *, ratio: float) -> Generator[None]:
    """
    Send the spans of this process to a collector.

    Args:
        endpoint: Where it takes OTLP over HTTP, without the path; None where OpenTelemetry's own variables say it.
        ratio: Which share of the traces that begin here is kept.
    """
    url = None if endpoint is None else f"{endpoint.rstrip('/')}/v1/traces"
    tracer = OpenTelemetry(OTLPSpanExporter(endpoint=url, timeout=EXPORT_SECONDS), ratio=ratio)
    install(tracer)
    try:
        yield
    finally:
        install(None)
        tracer.close()


def _context_of(traceparent: str) -> SpanContext:
    _, trace_id, span_id, flags = traceparent.split("-")
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))


def _attributes(facts: Facts) -> dict[str, str | int]:
    return {name: value for name, value in facts.items() if value is not None}
