"""One partition on its way from ledger to topic: what is known to be there, what comes next."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from rapport_events.envelope import Recorded


class LedgerGap(Exception):
    """A ledger's numbers do not follow one another."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch that is under way: the first `count` of the events ahead."""

    count: int
    turn: int


@dataclass(slots=True)
class Lane:
    """
    Carries a partition in order, one batch at a time.

    Going back (a hole was found, somebody asked for records again) begins a new turn; whatever was read or sent before
    no longer counts for it.
    """

    partition: int
    reach: int = 0
    """Position up to which everything is in the topic, as far as is known."""
    next_offset: int | None = None
    """Where the next batch should land; None while that is not known."""
    ahead: deque[Recorded] = field(default_factory=deque[Recorded])
    """Events after `reach` that were read and are not confirmed yet."""
    turn: int = 0
    is_drained: bool = False
    """Whether the last reading came to the ledger's end."""
    under_way: Sent | None = None

    @property
    def read_to(self) -> int:
        """Position after which to read on."""
        return self.ahead[-1].position if self.ahead else self.reach

    @property
    def is_low(self) -> bool:
        """Whether there is something to be read, and room for it."""
        return not self.is_drained and len(self.ahead) <= (self.under_way.count if self.under_way else 0)

    @property
    def is_ready(self) -> bool:
        """Whether there is something to be sent, and nothing that must be confirmed first."""
        return self.under_way is None and bool(self.ahead)

    def put(self, events: Sequence[Recorded], turn: int, *, is_end: bool) -> None:
        """
        Take events that were read after `read_to` in a turn.

        Raises:
            LedgerGap: They do not follow.
        """
        if turn != self.turn:
            return
        for event in events:
            if event.position != self.read_to + 1:
                msg = f"partition {self.partition} of the ledger goes from {self.read_to} to {event.position}"
                raise LedgerGap(msg)
            self.ahead.append(event)
        self.is_drained = is_end

    def send(self, count: int) -> Sent:
        """Note that the first events ahead are under way."""
        self.under_way = Sent(count, self.turn)
        return self.under_way

    def confirm(self, sent: Sent, offset: int) -> bool:
        """
        Note that a batch is in the topic, from this offset on.

        Returns:
            False where it does not lie right behind the one before: the topic has to be looked at.
        """
        self.under_way = None
        if sent.turn != self.turn:
            return True
        for _ in range(sent.count):
            self.reach = self.ahead.popleft().position
        was_expected = self.next_offset in {None, offset}
        self.next_offset = offset + sent.count if offset >= 0 else None
        return was_expected and offset >= 0

    def go_back(self, position: int) -> None:
        """Send again what follows a position; a position that was not reached yet changes nothing."""
        if position >= self.reach:
            return
        self.reach = position
        self.ahead.clear()
        self.next_offset = None
        self.is_drained = False
        self.turn += 1

    def first(self, limit: int) -> list[Recorded]:
        """Return the events that come next."""
        return list(islice(self.ahead, limit))
