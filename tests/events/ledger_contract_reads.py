"""How any ledger is read: streams, events and partitions."""

from datetime import timedelta

from rapport_events.ids import EventId, new_id
from rapport_events.ledger import (
    Ledger,
)
from tests.events.appends import OTHER_TENANT, TENANT, beginning, new_stream, request, to
from tests.events.ledger_contract import LedgerContract, one


class ReadsContract(LedgerContract):
    async def test_a_stream_is_read_up_to_a_version_or_a_moment(self, ledger: Ledger) -> None:
        stream, other = new_stream(2), new_stream(11)
        for _ in range(3):
            await ledger.append(TENANT, [request(to(stream, 2)), request(to(other, 11))])
        whole = await ledger.read_streams(TENANT, [other, stream, new_stream(2)])
        middle = whole[stream][1].recorded_at

        to_version = await ledger.read_streams(TENANT, [stream, other], to_version=2)
        until = await ledger.read_streams(TENANT, [stream], until=middle)
        before = await ledger.read_streams(TENANT, [stream], until=middle - timedelta(microseconds=1))

        assert [[event.version for event in events] for events in whole.values()] == [[1, 2, 3], [1, 2, 3], []]
        assert [[event.version for event in events] for events in to_version.values()] == [[1, 2], [1, 2]]
        assert until[stream] == whole[stream][:2]
        assert before[stream] == whole[stream][:1]

    async def test_an_event_is_read_by_id_or_place_within_its_tenant(self, ledger: Ledger) -> None:
        new = request(beginning(2))
        event_id = new.streams[0].events[0].event_id
        await one(ledger, new)

        by_id = await ledger.read_event(TENANT, event_id, 2)
        by_place = (await ledger.read_at(TENANT, [(2, 1), (2, 2)]))[2, 1]

        assert by_id is not None
        assert by_id.event_id == event_id
        assert by_place == by_id
        assert await ledger.read_event(TENANT, event_id, 3) is None
        assert await ledger.read_event(TENANT, EventId(new_id()), 2) is None
        assert await ledger.read_event(OTHER_TENANT, event_id, 2) is None
        assert await ledger.read_at(OTHER_TENANT, [(2, 1)]) == {}
        assert await ledger.read_at(TENANT, [(2, 2)]) == {}

    async def test_a_partition_is_read_in_pages_across_tenants(self, ledger: Ledger) -> None:
        for tenant in (TENANT, OTHER_TENANT, TENANT):
            await ledger.append(tenant, [request(beginning(6, tenant=tenant))])

        first = await ledger.read_partition(6, after=0, limit=2)
        second = await ledger.read_partition(6, after=2, limit=2)

        assert [(event.position, event.tenant) for event in first + second] == [
            (1, TENANT),
            (2, OTHER_TENANT),
            (3, TENANT),
        ]
        assert await ledger.read_partition(6, after=3, limit=2) == []

    async def test_a_stream_belongs_to_its_tenant(self, ledger: Ledger) -> None:
        stream = new_stream()
        await one(ledger, request(to(stream)))

        assert await ledger.read_streams(OTHER_TENANT, [stream]) == {stream: []}
