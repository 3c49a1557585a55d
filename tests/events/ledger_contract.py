"""What any ledger does; the test class of each ledger inherits it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

import pytest

from rapport_events.ids import EventId, new_id, partition_of_key
from rapport_events.ledger import (
    ANY,
    EXISTS,
    NONE,
    Append,
    Appended,
    CauseAhead,
    Claim,
    ClaimTaken,
    FactKnown,
    KeyReused,
    Ledger,
    LedgerShut,
    Outcome,
    Place,
    ReferenceUnknown,
    StreamAppend,
    VersionConflict,
)
from tests.events.appends import OTHER_TENANT, TENANT, beginning, event, key, new_stream, ref, request, subject_in, to


class Desk(Protocol):
    """A ledger that can be shut."""

    ledger: Ledger

    async def shut(self) -> None: ...


class LedgerContract:
    @pytest.fixture
    async def desk(self) -> Desk:
        """Give an empty, open ledger; each kind has its own."""
        raise NotImplementedError

    @pytest.fixture
    def ledger(self, desk: Desk) -> Ledger:
        return desk.ledger

    # Numbers

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

    # Versions

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

    # Keys

    async def test_a_repeated_key_gets_the_first_answer(self, ledger: Ledger) -> None:
        again = request(beginning(8, count=2), beginning(2), key=key("k"))
        first = await one(ledger, again)
        await one(ledger, request(beginning(8)))

        repeated = await one(ledger, request(beginning(8), key=key("k")))

        assert first == Appended((Place(8, 2, 2), Place(2, 1, 1)))
        assert repeated == Appended((Place(8, 2, 2), Place(2, 1, 1)), repeated=True)
        assert await one(ledger, again) == repeated

    async def test_a_key_with_another_body_is_refused(self, ledger: Ledger) -> None:
        await one(ledger, request(beginning(), key=key("k")))

        assert await one(ledger, request(beginning(), key=key("k", "other body"))) == KeyReused()

    async def test_a_key_counts_within_its_tenant(self, ledger: Ledger) -> None:
        await one(ledger, request(beginning(), key=key("k")))

        [outcome] = await ledger.append(OTHER_TENANT, [request(beginning(tenant=OTHER_TENANT), key=key("k"))])

        assert outcome == Appended((Place(0, 2, 1),))

    async def test_a_key_repeated_within_a_call_gets_the_first_answer(self, ledger: Ledger) -> None:
        outcomes = await ledger.append(
            TENANT,
            [request(beginning(), key=key("k", body)) for body in ("one", "one", "two")],
        )

        first = (Place(0, 1, 1),)
        assert outcomes == [Appended(first), Appended(first, repeated=True), KeyReused()]

    async def test_a_refused_request_leaves_its_key_unused(self, ledger: Ledger) -> None:
        stream = new_stream()
        refused = await one(ledger, request(to(stream, expected=1), key=key("k")))

        outcome = await one(ledger, request(to(stream, expected=NONE), key=key("k")))

        assert (refused, outcome) == (VersionConflict((0,)), Appended((Place(0, 1, 1),)))

    # Claims

    async def test_a_known_fact_answers_with_the_first(self, ledger: Ledger) -> None:
        first = request(beginning(3), facts="536365")
        await one(ledger, first)

        outcome = await one(ledger, request(beginning(6), facts="536365"))

        assert outcome == FactKnown(str(first.streams[0].stream), first.streams[0].events[0].event_id)

    async def test_a_taken_identity_names_its_holder(self, ledger: Ledger) -> None:
        first = request(beginning(3), identities="ann@example.com")
        await one(ledger, first)

        outcome = await one(ledger, request(beginning(6), identities="ann@example.com"))

        assert outcome == ClaimTaken(str(first.streams[0].stream), first.streams[0].events[0].event_id)

    async def test_a_claim_counts_within_its_tenant_and_kind(self, ledger: Ledger) -> None:
        await one(ledger, request(beginning(), facts="1"))
        new = beginning()
        other_kind = Append((new,), claims=(Claim(ref("1", "refund"), str(new.stream), new.events[0].event_id),))

        [elsewhere] = await ledger.append(OTHER_TENANT, [request(beginning(tenant=OTHER_TENANT), facts="1")])

        assert isinstance(elsewhere, Appended)
        assert isinstance(await one(ledger, other_kind), Appended)

    async def test_claims_repeated_within_a_call_are_decided_in_order(self, ledger: Ledger) -> None:
        first = request(beginning(1), facts="f", identities="i")

        outcomes = await ledger.append(
            TENANT, [first, request(beginning(2), identities="i"), request(beginning(2), facts="f"), first]
        )

        holder = (str(first.streams[0].stream), first.streams[0].events[0].event_id)
        assert outcomes == [Appended((Place(1, 1, 1),)), ClaimTaken(*holder), FactKnown(*holder), FactKnown(*holder)]

    async def test_a_fact_is_recognised_before_an_identity(self, ledger: Ledger) -> None:
        fact, identity = request(beginning(), facts="f"), request(beginning(), identities="i")
        await ledger.append(TENANT, [identity, fact])

        outcome = await one(ledger, request(beginning(), identities="i", facts="f"))

        assert outcome == FactKnown(str(fact.streams[0].stream), fact.streams[0].events[0].event_id)

    async def test_a_key_is_recognised_before_a_claim_and_a_claim_before_a_version(self, ledger: Ledger) -> None:
        stream = new_stream()
        first = request(to(stream), key=key("k"), facts="f")
        await one(ledger, first)

        by_key = await one(ledger, request(to(stream, expected=7), key=key("k"), facts="f"))
        by_claim = await one(ledger, request(to(stream, expected=7), key=key("other"), facts="f"))

        assert by_key == Appended((Place(0, 1, 1),), repeated=True)
        assert by_claim == FactKnown(stream, first.streams[0].events[0].event_id)

    async def test_find_says_who_holds_a_claim(self, ledger: Ledger) -> None:
        made = request(beginning(), facts="f", identities="i")
        await one(ledger, made)

        found = await ledger.find(TENANT, [ref("unknown"), ref("i"), ref("f")])

        holder = (str(made.streams[0].stream), made.streams[0].events[0].event_id)
        assert [(claim.stream, claim.event_id) if claim else None for claim in found] == [None, holder, holder]
        assert await ledger.find(OTHER_TENANT, [ref("f")]) == [None]

    # Streams named by a claim

    async def test_a_stream_is_found_by_its_facts_claim(self, ledger: Ledger) -> None:
        purchase = request(beginning(7), facts="536365")
        await one(ledger, purchase)

        outcome = await one(ledger, request(to(ref("536365"), 7, expected=EXISTS)))

        assert outcome == Appended((Place(7, 2, 2),))
        stream = str(purchase.streams[0].stream)
        assert [event.version for event in (await ledger.read_streams(TENANT, [stream]))[stream]] == [1, 2]

    async def test_a_customers_stream_is_found_by_its_claim_too(self, ledger: Ledger) -> None:
        customer = str(new_id())
        home = partition_of_key(TENANT, customer)
        stream = StreamAppend(f"customer-{customer}", home, NONE, (event(customer),))
        await one(ledger, request(stream, facts="c"))

        outcome = await one(ledger, request(StreamAppend(ref("c"), home, 1, (event(customer),))))

        assert outcome == Appended((Place(home, 2, 2),))

    async def test_a_stream_is_found_by_a_claim_made_in_the_same_call(self, ledger: Ledger) -> None:
        outcomes = await ledger.append(
            TENANT,
            [
                request(to(ref("536365"), 7)),
                request(beginning(7), facts="536365"),
                request(to(ref("536365"), 7, expected=1), facts="refund"),
                request(to(ref("refund"), 7, expected=2, count=2)),
            ],
        )

        assert outcomes == [
            ReferenceUnknown(),
            Appended((Place(7, 1, 1),)),
            Appended((Place(7, 2, 2),)),
            Appended((Place(7, 4, 4),)),
        ]

    async def test_a_claim_without_a_stream_belongs_to_the_first_of_its_request(self, ledger: Ledger) -> None:
        purchase = request(beginning(7), facts="536365")
        await one(ledger, purchase)

        await one(ledger, request(to(ref("536365"), 7), facts="refund"))
        [claim] = await ledger.find(TENANT, [ref("refund")])

        assert claim is not None
        assert claim.stream == purchase.streams[0].stream

    async def test_a_stream_named_by_a_claim_that_nobody_made_is_unknown(self, ledger: Ledger) -> None:
        purchase = request(beginning(7), facts="536365")
        await one(ledger, purchase)

        outcomes = await ledger.append(
            TENANT, [request(to(ref("536366"), 7)), request(beginning(7)), request(to(ref("536365"), 8))]
        )

        assert outcomes == [ReferenceUnknown(), Appended((Place(7, 2, 1),)), ReferenceUnknown()]

    async def test_a_stream_of_the_same_call_in_another_partition_is_unknown(self, ledger: Ledger) -> None:
        outcomes = await ledger.append(TENANT, [request(beginning(7), facts="f"), request(to(ref("f"), 8))])

        assert outcomes == [Appended((Place(7, 1, 1),)), ReferenceUnknown()]

    async def test_a_stream_named_by_a_claim_must_be_at_the_expected_version(self, ledger: Ledger) -> None:
        await one(ledger, request(beginning(7, count=3), facts="f"))

        assert await one(ledger, request(to(ref("f"), 7, expected=2))) == VersionConflict((3,))

    # Time

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

    # Reading

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
        by_place = await ledger.read_at(TENANT, 2, 1)

        assert by_id is not None
        assert by_id.event_id == event_id
        assert by_place == by_id
        assert await ledger.read_event(TENANT, event_id, 3) is None
        assert await ledger.read_event(TENANT, EventId(new_id()), 2) is None
        assert await ledger.read_event(OTHER_TENANT, event_id, 2) is None
        assert await ledger.read_at(OTHER_TENANT, 2, 1) is None
        assert await ledger.read_at(TENANT, 2, 2) is None

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

    # Limits

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

    # Shut and open

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


async def one(ledger: Ledger, appended: Append) -> Outcome:
    [outcome] = await ledger.append(TENANT, [appended])
    return outcome
