"""Figures for Prometheus that every service has, and the text of one service's figures."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
disable_created_metrics()  # type: ignore[no-untyped-call]  #  a second series for each, that nobody looks at
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter("rapport_http_requests", "Answers by route and status.", ["service", "route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "rapport_http_request_seconds", "From request to answer.", ["service", "route"], buckets=_SECONDS
)
UNDERWAY = Gauge("rapport_http_requests_underway", "Requests that have no answer yet.", ["service"])
COMMANDS = Counter("rapport_commands", "Commands by what became of them.", ["service", "command", "outcome"])
APPENDED = Counter("rapport_appended_events", "Events that commands put into the ledger.", ["service"])
APPEND_SECONDS = Histogram(
    "rapport_execute_seconds", "Load, decide and append, as long as the commands waited.", ["service"], buckets=_SECONDS
)
ROLE_UP = Gauge(
    "rapport_role_up", "Whether a role is at work (1) or waiting to be started again (0).", ["service", "role"]
)
ROLE_RESTARTS = Counter("rapport_role_restarts", "How often a role was started again.", ["service", "role"])


class _OfService(Collector):
    """The process's figures without those of other services in the same process."""

    def __init__(self, service: str) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield what is labelled with this service or with none."""
        for metric in REGISTRY.collect():
            kept = [sample for sample in metric.samples if sample.labels.get("service", self._service) == self._service]
            if kept or not metric.samples:
                own = Metric(metric.name, metric.documentation, metric.type, metric.unit)
                own.samples = kept
                yield own


def exposition(service: str | None) -> bytes:
    """Return the text that Prometheus reads: of one service, or of the whole process."""
    if service is None:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_OfService(service))
    return generate_latest(registry)
