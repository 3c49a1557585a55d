"""How any ledger numbers events: positions, versions and times, under limits."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from rapport_events.ids import new_id
from rapport_events.ledger import (
    ANY,
    EXISTS,
    NONE,
    Append,
    Appended,
    CauseAhead,
    Claim,
    Ledger,
    LedgerShut,
    Place,
    StreamAppend,
    VersionConflict,
)
from tests.events.appends import TENANT, beginning, event, key, new_stream, ref, request, subject_in, to
from tests.events.ledger_contract import Desk, LedgerContract, one


class NumbersContract(LedgerContract):
    async def test_positions_follow_one_another_in_a_partition_and_versions_in_a_stream(self, ledger: Ledger) -> None:
        first, second = new_stream(3), new_stream(3)

        outcomes = await ledger.append(
            TENANT, [request(to(first, 3, count=2)), request(to(second, 3)), request(to(first, 3))]
        )

        assert outcomes == [Appended((Place(3, 2, 2),)), Appended((Place(3, 3, 1),)), Appended((Place(3, 4, 3),))]

    async def test_a_request_may_name_several_streams_and_partitions(self, ledger: Ledger) -> None:
        outcome = await one(ledger, request(beginning(9, count=2), beginning(4), beginning(9)))

        assert outcome == Appended((Place(9, 2, 2), Place(4, 1, 1), Place(9, 3, 1)))
        assert (await ledger.state()).heads == tuple({9: 3, 4: 1}.get(number, 0) for number in range(32))

    async def test_what_is_read_is_what_was_appended(self, ledger: Ledger) -> None:
        stream = new_stream(5)
        new = event(subject_in(5), data='{"channel":"é","n":1e2 }'.encode())

        await one(ledger, Append((StreamAppend(stream, 5, NONE, (new,)),)))
        [recorded] = (await ledger.read_streams(TENANT, [stream]))[stream]

        assert (recorded.tenant, recorded.stream, recorded.partition, recorded.position) == (TENANT, stream, 5, 1)
        assert (recorded.event_id, recorded.type, recorded.schema) == (new.event_id, new.type, new.schema)
        assert (recorded.subject, recorded.data, recorded.meta.to_json()) == (new.subject, new.data, new.meta)
        assert (recorded.source, recorded.era, recorded.version) == (ledger.service, 1, 1)
        assert recorded.occurred_at == new.occurred_at

    async def test_a_shut_ledger_takes_nothing_and_answers_reads(self, desk: Desk, ledger: Ledger) -> None:
        await one(ledger, request(beginning()))
        before = await ledger.state()
        await desk.shut()

        with pytest.raises(LedgerShut):
            await one(ledger, request(beginning()))

        after = await ledger.state()
        assert (before.is_open, after.is_open) == (True, False)
        assert (before.era, before.heads) == (after.era, after.heads)
        assert len(await ledger.read_partition(0, after=0, limit=10)) == 1

    async def test_concurrent_callers_get_their_own_answers(self, ledger: Ledger) -> None:
        streams = [new_stream(number % 3) for number in range(60)]

        outcomes = await asyncio.gather(
            *(
                ledger.append(TENANT, [request(to(stream, number % 3, count=number % 4 + 1))])
                for number, stream in enumerate(streams)
            )
        )

        found = await ledger.read_streams(TENANT, streams)
        for number, (stream, [outcome]) in enumerate(zip(streams, outcomes, strict=True)):
            last = found[stream][-1]
            assert len(found[stream]) == number % 4 + 1
            assert outcome == Appended((Place(last.partition, last.position, last.version),))


class VersionsContract(LedgerContract):
    @pytest.mark.parametrize(("expected", "is_right"), [(NONE, True), (1, False), (EXISTS, False), (ANY, True)])
    async def test_a_new_stream_is_at_version_none(self, ledger: Ledger, expected: int, is_right: bool) -> None:
        outcome = await one(ledger, request(to(new_stream(), expected=expected)))

        assert outcome == (Appended((Place(0, 1, 1),)) if is_right else VersionConflict((0,)))

    @pytest.mark.parametrize(
        ("expected", "is_right"), [(NONE, False), (1, False), (2, True), (3, False), (EXISTS, True), (ANY, True)]
    )
    async def test_a_stream_is_at_the_version_of_its_last_event(
        self,
        ledger: Ledger,
        expected: int,
        is_right: bool,
    ) -> None:
        stream = new_stream()
        await one(ledger, request(to(stream, count=2)))

        outcome = await one(ledger, request(to(stream, expected=expected)))

        assert outcome == (Appended((Place(0, 3, 3),)) if is_right else VersionConflict((2,)))

    async def test_a_conflict_tells_the_versions_of_all_streams_and_appends_to_none(self, ledger: Ledger) -> None:
        known = new_stream(1)
        await one(ledger, request(to(known, 1, count=4)))

        outcome = await one(ledger, request(beginning(2), to(known, 1, expected=3), beginning(1)))

        assert outcome == VersionConflict((0, 4, 0))
        assert sum((await ledger.state()).heads) == 4

    async def test_a_refusal_does_not_touch_its_neighbours(self, ledger: Ledger) -> None:
        outcomes = await ledger.append(
            TENANT,
            [request(beginning()), request(to(new_stream(), expected=7)), request(beginning())],
        )

        assert outcomes == [Appended((Place(0, 1, 1),)), VersionConflict((0,)), Appended((Place(0, 2, 1),))]

    async def test_later_requests_of_a_call_see_what_earlier_ones_did(self, ledger: Ledger) -> None:
        stream = new_stream()

        outcomes = await ledger.append(
            TENANT,
            [
                request(to(stream, expected=NONE)),
                request(to(stream, expected=NONE)),
                request(to(stream, expected=1, count=2)),
                request(to(stream, expected=EXISTS)),
            ],
        )

        assert outcomes == [
            Appended((Place(0, 1, 1),)),
            VersionConflict((1,)),
            Appended((Place(0, 3, 3),)),
            Appended((Place(0, 4, 4),)),
        ]


class TimesContract(LedgerContract):
    async def test_time_of_record_never_runs_backwards_and_follows_its_cause(self, ledger: Ledger) -> None:
        ahead = to(new_stream(4), 4, count=2, ahead=timedelta(seconds=5))
        await ledger.append(
            TENANT, [request(beginning(4)), request(ahead), request(beginning(4)), request(beginning(9))]
        )
        await one(ledger, request(beginning(4)))

        events = await ledger.read_partition(4, after=0, limit=100)
        times = [event.recorded_at for event in events]

        assert times == sorted(times)
        assert all(
            event.recorded_at > new.caused_at
            for event, new in zip(events[1:3], ahead.events, strict=True)
            if new.caused_at
        )
        [elsewhere] = await ledger.read_partition(9, after=0, limit=100)
        assert elsewhere.recorded_at < times[1]

    async def test_a_cause_far_ahead_of_the_clock_is_refused_alone(self, ledger: Ledger) -> None:
        ahead = request(to(new_stream(), ahead=timedelta(seconds=15)), key=key("k"), facts="f")

        outcomes = await ledger.append(TENANT, [request(beginning()), ahead, request(beginning())])

        assert outcomes == [Appended((Place(0, 1, 1),)), CauseAhead(), Appended((Place(0, 2, 1),))]
        assert await ledger.find(TENANT, [ref("f")]) == [None]


class LimitsContract(LedgerContract):
    @pytest.mark.parametrize("count", [0, 1_001])
    async def test_an_append_has_1_to_1000_requests(self, ledger: Ledger, count: int) -> None:
        with pytest.raises(ValueError, match=f"{count} requests"):
            await ledger.append(TENANT, [request(beginning())] * count)

    async def test_an_append_of_1000_requests_is_answered_in_order(self, ledger: Ledger) -> None:
        outcomes = await ledger.append(TENANT, [request(beginning(3)) for _ in range(1_000)])

        assert outcomes == [Appended((Place(3, position, 1),)) for position in range(1, 1_001)]

    async def test_a_claim_names_an_event_of_its_request(self, ledger: Ledger) -> None:
        stream, other = beginning(), beginning()
        claim = Claim(ref("f"), str(stream.stream), other.events[0].event_id)

        with pytest.raises(ValueError, match="names an event of its request"):
            await one(ledger, Append((stream,), claims=(claim,)))

    async def test_a_stream_and_its_subject_lie_in_one_partition(self, ledger: Ledger) -> None:
        elsewhere = StreamAppend(new_stream(3), 3, NONE, (event(subject_in(4)),))

        with pytest.raises(ValueError, match="different partitions"):
            await one(ledger, request(elsewhere))

    async def test_a_stream_lies_where_its_name_says(self, ledger: Ledger) -> None:
        with pytest.raises(ValueError, match="does not lie in partition 4"):
            await one(ledger, request(to(new_stream(3), 4)))

    async def test_a_job_is_its_own_subject(self, ledger: Ledger) -> None:
        job = new_id(13)

        outcome = await one(ledger, request(StreamAppend(f"import-{job}", 13, NONE, (event(str(job)),))))

        assert outcome == Appended((Place(13, 1, 1),))

    async def test_an_event_holds_at_most_256_kib(self, ledger: Ledger) -> None:
        stream = beginning()
        [fits] = [replace(stream.events[0], data=b'"%s"' % (b"x" * (256 * 1024 - 2)))]
        too_large = replace(fits, data=fits.data + b" ")

        with pytest.raises(ValueError, match="262145 bytes"):
            await one(ledger, Append((replace(stream, events=(too_large,)),)))
        assert isinstance(await one(ledger, Append((replace(stream, events=(fits,)),))), Appended)
