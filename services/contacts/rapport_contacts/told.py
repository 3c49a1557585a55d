"""A fact about a customer as the history keeps it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Told:
    """What a fact said, when it happened and when it was recorded, and by whom."""

    customer: UUID
    event_id: str
    actor: str
    partition: int
    position: int
    occurred_at: datetime
    recorded_at: datetime
    event: Any
    """The narrow struct that the fact's view declares for it."""

    @property
    def place(self) -> tuple[datetime, int, int]:
        """Its place in the order of record."""
        return (self.recorded_at, self.partition, self.position)
