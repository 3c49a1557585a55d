"""What operators see of the mirrors."""

import structlog
from prometheus_client import Counter, Gauge

log = structlog.get_logger()

LAG = Gauge("rapport_mirror_lag", "Head of the ledger minus reach of the topic, events.", ["service", "partition"])
LEADS = Gauge("rapport_mirror_leads", "1 while this process carries the ledger.", ["service"])
RECORDS = Counter("rapport_mirror_records", "Records sent and confirmed, repeats included.", ["service"])
AUDITS = Counter("rapport_mirror_audits", "Readings of the topic to its end.", ["service"])
HEALS = Counter("rapport_mirror_heals", "Partitions whose topic had lost records that were sent again.", ["service"])
RESENDS = Counter("rapport_mirror_resends", "Partitions sent again because a reader asked for it.", ["service"])
ALARMS = Counter("rapport_mirror_alarms", "What an operator must look at.", ["service", "kind"])
FAILURES = Counter("rapport_mirror_failures", "What was interrupted, and tried again.", ["service", "kind"])


def sound(service: str, kind: str, **facts: object) -> None:
    """Raise an alarm; facts name no person."""
    ALARMS.labels(service, kind).inc()
    log.error("mirror_alarm", service=service, kind=kind, **facts)
