"""What we remember about a tenant's segments in order to decide."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rapport_events.contracts.analytics import AnalyticsEvent, SegmentDefined, SegmentRetired


@dataclass(frozen=True, slots=True)
class Segments:
    """All segments that a tenant ever defined, as they were defined last."""

    defined: Mapping[str, SegmentDefined] = field(default_factory=dict[str, SegmentDefined])
    retired: frozenset[str] = frozenset()

    @property
    def in_use(self) -> int:
        """Count those that are not retired."""
        return len(self.defined) - len(self.retired)


def evolve(segments: Segments, event: AnalyticsEvent) -> Segments:
    """Return the segments as they are after an event; a tenant's stream holds nothing else."""
    match event:
        case SegmentDefined():
            defined = {**segments.defined, event.segment_id: event}
            return replace(segments, defined=defined, retired=segments.retired - {event.segment_id})
        case SegmentRetired():
            return replace(segments, retired=segments.retired | {event.segment_id})
        case _:
            return segments
