"""One partition on its way: in order, one batch at a time, and back to where the topic ends."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from rapport_events.envelope import Meta, Recorded
from rapport_events.ids import EventId, TenantId
from rapport_events.lane import Lane, LedgerGap, Sent
from rapport_events.reach import Found, Reach

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def event(position: int) -> Recorded:
    return Recorded(
        source="contacts",
        era=1,
        partition=3,
        position=position,
        tenant=TenantId("ann"),
        stream="run",
        version=1,
        event_id=EventId(UUID(int=position)),
        type="crm.run.noted.v1",
        schema="1.0",
        subject="s",
        data=b"{}",
        meta=Meta("a", "c"),
        occurred_at=NOON,
        recorded_at=NOON,
    )


def events(first: int, last: int) -> list[Recorded]:
    return [event(position) for position in range(first, last + 1)]


def test_the_next_batch_waits_for_the_confirmation_of_the_one_before() -> None:
    lane = Lane(3)
    lane.put(events(1, 4), lane.turn, is_end=True)
    sent = lane.send(2)
    assert not lane.is_ready
    lane.confirm(sent, 0)
    assert [event.position for event in lane.first(9)] == [3, 4]
    assert lane.reach == 2


def test_a_batch_that_lies_elsewhere_makes_the_topic_suspect() -> None:
    lane = Lane(3, reach=0, next_offset=517)
    lane.put(events(1, 4), lane.turn, is_end=True)
    assert lane.confirm(lane.send(2), 517)
    assert not lane.confirm(lane.send(2), 0)


def test_a_confirmation_without_an_offset_makes_the_topic_suspect() -> None:
    lane = Lane(3, next_offset=0)
    lane.put(events(1, 1), lane.turn, is_end=True)
    assert not lane.confirm(lane.send(1), -1)


def test_what_was_under_way_before_going_back_counts_for_nothing() -> None:
    lane = Lane(3, reach=10)
    lane.put(events(11, 14), lane.turn, is_end=True)
    sent = lane.send(4)
    lane.go_back(5)
    lane.put(events(6, 7), lane.turn, is_end=True)
    lane.confirm(sent, 99)
    assert (lane.reach, lane.ahead[0].position) == (5, 6)


def test_rows_that_were_read_before_going_back_are_not_taken() -> None:
    lane = Lane(3, reach=10)
    turn = lane.turn
    lane.go_back(5)
    lane.put(events(11, 12), turn, is_end=True)
    assert not lane.ahead
    assert lane.is_low


def test_going_back_never_goes_forward() -> None:
    lane = Lane(3, reach=10)
    lane.go_back(11)
    assert lane.reach == 10


def test_a_gap_in_the_ledger_stops_the_mirror() -> None:
    lane = Lane(3, reach=1)
    with pytest.raises(LedgerGap):
        lane.put(events(3, 4), lane.turn, is_end=True)


def test_a_drained_partition_is_not_read_again_before_it_is_woken() -> None:
    lane = Lane(3)
    lane.put(events(1, 1), lane.turn, is_end=True)
    lane.confirm(lane.send(1), 0)
    assert not lane.is_low


class Topic:
    """A broker's partition that loses its tail, and where requests land that were thought lost."""

    def __init__(self, size: int) -> None:
        self.lane = Lane(3, next_offset=0)
        self.records: list[int] = []
        self.under_way: tuple[Sent, list[int]] | None = None
        self.size = size

    def step(self, count: int) -> None:
        """Send a batch, or confirm the one that is under way."""
        lane = self.lane
        if self.under_way:
            self.land()
            return
        if not lane.ahead:
            lane.put(events(lane.reach + 1, min(lane.reach + 3, self.size)), lane.turn, is_end=False)
        if lane.is_ready:
            count = min(count, len(lane.ahead))
            self.under_way = lane.send(count), [event.position for event in lane.first(count)]

    def land(self) -> None:
        if self.under_way:
            (sent, numbers), self.under_way = self.under_way, None
            offset = len(self.records)
            self.records += numbers
            self.lane.confirm(sent, offset)

    def lose(self, count: int) -> None:
        del self.records[len(self.records) - min(count, len(self.records)) :]

    def repeat(self, count: int) -> None:
        """Let an old request of another leader land: what it carried was once in the topic."""
        first = max(1, self.lane.reach - 2)
        self.records += range(first, min(first + count, self.lane.reach + 1))

    def audit(self) -> None:
        reach = Reach()
        reach.take([Found(offset, number, "") for offset, number in enumerate(self.records)], len(self.records))
        self.lane.go_back(reach.position)


steps = st.lists(
    st.tuples(st.sampled_from(["step", "step", "step", "lose", "repeat", "audit"]), st.integers(1, 3)), max_size=60
)


@given(steps)
def test_whatever_the_broker_loses_a_reader_gets_everything_in_the_end(done: list[tuple[str, int]]) -> None:
    topic = Topic(size=9)
    for name, count in done:
        if name == "audit":
            topic.audit()
        else:
            getattr(topic, name)(count)
    topic.land()
    topic.audit()
    for _ in range(40):
        topic.step(2)
    topic.land()
    taken = 0
    for number in topic.records:
        taken += number == taken + 1
    assert taken == 9
