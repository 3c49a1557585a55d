"""Retire a segment: it has no members any more."""

from collections.abc import Sequence

from rapport_analytics.errors import SegmentNotFound
from rapport_analytics.segment import Segments, evolve
from rapport_events.command import Command, Handler, Occasion, Target
from rapport_events.contracts.analytics import SegmentId, SegmentRetired


class RetireSegment(Command):
    """A segment is used no more; one that is retired already is no news."""

    segment_id: SegmentId


def decide(command: RetireSegment, segments: Segments, _occasion: Occasion) -> Sequence[SegmentRetired]:
    """Say that the segment is used no more."""
    known = segments.defined.get(command.segment_id)
    if known is None:
        raise SegmentNotFound(segment_id=command.segment_id)
    if command.segment_id in segments.retired:
        return []
    return [SegmentRetired(segment_id=command.segment_id, version=known.version)]


HANDLER = Handler(
    name="retire_segment",
    route="/v1/segments/{segment_id}/retire",
    command=RetireSegment,
    initial=Segments(),
    evolve=evolve,
    decide=decide,
    target=lambda _command: Target("tenant"),
)
