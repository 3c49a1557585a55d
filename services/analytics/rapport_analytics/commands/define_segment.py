"""Define a segment, or define it anew: whoever meets its condition is a member."""

from collections.abc import Sequence
from typing import Final

from rapport_analytics.errors import TooManySegments
from rapport_analytics.segment import Segments, evolve
from rapport_events.command import Command, Handler, Occasion, Target
from rapport_events.contracts.analytics import Condition, SegmentDefined, SegmentId
from rapport_events.contracts.base import Code

IN_USE_MAX: Final = 100


class DefineSegment(Command):
    """Customers who meet a condition are a segment; the same definition again is no news."""

    segment_id: SegmentId
    name: Code
    condition: Condition


def decide(command: DefineSegment, segments: Segments, _occasion: Occasion) -> Sequence[SegmentDefined]:
    """Say how the segment is defined from now on."""
    known = segments.defined.get(command.segment_id)
    is_used = known is not None and command.segment_id not in segments.retired
    if known is not None and is_used and (known.name, known.condition) == (command.name, command.condition):
        return []
    if not is_used and segments.in_use >= IN_USE_MAX:
        raise TooManySegments(in_use=segments.in_use)
    version = known.version + 1 if known is not None else 1
    return [
        SegmentDefined(segment_id=command.segment_id, version=version, name=command.name, condition=command.condition)
    ]


HANDLER = Handler(
    name="define_segment",
    route="/v1/segments",
    command=DefineSegment,
    initial=Segments(),
    evolve=evolve,
    decide=decide,
    target=lambda _command: Target("tenant"),
)
