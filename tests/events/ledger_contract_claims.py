"""How any ledger makes things happen once: keys, claims and the streams that claims name."""

from rapport_events.ids import new_id, partition_of_key
from rapport_events.ledger import (
    EXISTS,
    NONE,
    Append,
    Appended,
    Claim,
    ClaimTaken,
    FactKnown,
    KeyReused,
    Ledger,
    Place,
    ReferenceUnknown,
    StreamAppend,
    VersionConflict,
)
from tests.events.appends import OTHER_TENANT, TENANT, beginning, event, key, new_stream, ref, request, to
from tests.events.ledger_contract import LedgerContract, one


class KeysContract(LedgerContract):
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


class ClaimsContract(LedgerContract):
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


class ReferencesContract(LedgerContract):
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
