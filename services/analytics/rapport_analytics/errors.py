"""Every way analytics says no."""

from rapport_events.errors import Clash, Missing


class SegmentNotFound(Missing):
    """There is no such segment; the list of segments says what they are called."""

    code = "segment_not_found"


class TooManySegments(Clash):
    """A tenant can use 100 segments at a time; retire one first."""

    code = "too_many_segments"
