"""
Whether we may approach a party, and which word of it says so.

The rule, over all ids of the party and in the order in which it happened: the last word on the purpose that covers the
channel decides. A word without channel covers every channel; a withdrawal counts under whichever id it was said, and a
later grant under any id permits again. Who asks about all channels at once is refused by a withdrawal for any of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

State = Literal["granted", "withdrawn", "expired", "never_said"]


@dataclass(frozen=True, slots=True)
class Word:
    """What was said about a consent under one id; the columns of the table."""

    customer_id: UUID
    event_id: UUID
    purpose: str
    channel: str | None
    is_granted: bool
    wording_version: str | None
    evidence_ref: str | None
    valid_until: datetime | None
    occurred_at: datetime
    partition: int

    def covers(self, channel: str | None) -> bool:
        """Say whether the word is about a channel (None: about all of them)."""
        return self.channel in {None, channel} or (channel is None and not self.is_granted)

    def state_at(self, moment: datetime) -> State:
        """Say what the word means at a moment."""
        if not self.is_granted:
            return "withdrawn"
        return "expired" if self.valid_until is not None and self.valid_until <= moment else "granted"


def deciding(words: Iterable[Word], purpose: str, channel: str | None) -> Word | None:
    """Return the word that decides; None where nothing was ever said. The words stand in the order that counts."""
    return next((word for word in reversed([*words]) if word.purpose == purpose and word.covers(channel)), None)


def last_words(words: Sequence[Word]) -> list[Word]:
    """Return what still decides on some channel, in the order in which it was said."""
    kept: set[UUID] = set()
    for purpose, channel in {(word.purpose, word.channel) for word in words}:
        on_all = [word for word in words if word.channel is None]
        found = deciding(words if channel is not None else on_all, purpose, channel)
        if found is not None:
            kept.add(found.event_id)
    return [word for word in words if word.event_id in kept]
