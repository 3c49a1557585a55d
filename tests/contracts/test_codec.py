"""Events to bytes and back: what is personal is sealed, stays sealed without its key, and ends as Redacted."""

import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec
import orjson
import pytest
from hypothesis import assume, given, strategies as st
from pydantic import ValidationError

from rapport_events.codec import (
    EVENTS,
    UnknownMajor,
    UnknownType,
    class_of,
    decode,
    encode,
    is_known,
    key_ids,
    open_text,
    published_by,
    schema_of,
    source_of,
    type_of,
)
from rapport_events.contracts.base import REDACTED, Event, Pii, Sealed
from rapport_events.contracts.contacts import (
    CustomerCreated,
    CustomerCreatedPii,
    CustomerProfileChanged,
    Names,
    TenantConfigured,
)
from rapport_events.contracts.examples import example_of
from rapport_events.contracts.interactions import CustomerContacted, CustomerPurchased, Item, PurchaseRefunded
from rapport_events.contracts.platform import ImportCompleted
from rapport_events.contracts.schemas import json_schema_of
from rapport_events.ids import CustomerId, EventId, TenantId
from rapport_events.keyring import Erased
from rapport_events.sealing import BrokenSeal
from tests.contracts.records import ACME, ANN, ANNS_KEY, BOBS_KEY, EVENT_ID, NOON, recorded, written

events = pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)

ANN_CREATED = CustomerCreated(
    customer_id=CustomerId(ANN),
    kind="person",
    source="shop",
    pii=CustomerCreatedPii(names=Names(display="Ann Archer"), emails=("ann@example.org",)),
)
OPEN = {ANNS_KEY.key_id: ANNS_KEY.key}
DESTROYED = {ANNS_KEY.key_id: None}


@events
def test_an_event_with_its_key_comes_back_as_it_was(event: type[Event]) -> None:
    example = example_of(event)

    assert decode(recorded(example), OPEN) == example


@events
def test_no_personal_value_is_written_in_the_open(event: type[Event]) -> None:
    example = example_of(event)
    opened = orjson.loads(example.model_dump_json(exclude_none=True)).get("pii", {})
    data = orjson.loads(encode(example, tenant=ACME, event_id=EVENT_ID, key=ANNS_KEY))

    assert data.get("pii", {}).keys() == opened.keys()
    assert all(text.startswith(f"s1.{ANNS_KEY.key_id}.") for text in data.get("pii", {}).values())


@events
def test_an_event_is_total_without_its_keys(event: type[Event]) -> None:
    example = example_of(event)
    destroyed = decode(recorded(example), DESTROYED)
    sealed = decode(recorded(example))

    for given_back, kind in ((destroyed, type(REDACTED)), (sealed, Sealed)):
        pii: Pii | None = getattr(given_back, "pii", None)
        assert pii is None or all(isinstance(getattr(pii, name), kind) for name in type(pii).model_fields)
        assert given_back.model_dump(exclude={"pii"}) == example.model_dump(exclude={"pii"})


def test_type_and_absent_members_are_not_written() -> None:
    event = CustomerPurchased(purchase_id=ANN, total=Decimal("1E+2"), currency="EUR")

    data = encode(event, tenant=ACME, event_id=EVENT_ID, key=None)

    assert orjson.loads(data) == {
        "purchase_id": str(ANN),
        "items": [],
        "total": "100",
        "currency": "EUR",
        "attributes": {},
        "parties": [],
    }


def test_amounts_are_written_in_full_and_stay_exact() -> None:
    item = Item(qty=Decimal(-3), line_total=Decimal("0.0000001"), unit_price=Decimal("2.550"))
    event = CustomerPurchased(purchase_id=ANN, items=(item,), total=Decimal("8911407.904"), currency="GBP")

    data = orjson.loads(recorded(event).data)

    assert data["items"] == [{"qty": "-3", "line_total": "0.0000001", "unit_price": "2.550"}]
    assert decode(recorded(event)) == event


@given(st.integers(-(10**18) + 1, 10**18 - 1), st.integers(-10, 18))
def test_an_amount_of_any_size_is_written_in_the_published_form(digits: int, exponent: int) -> None:
    amount = Decimal(digits).scaleb(exponent)
    assume(abs(amount) < 10**18)
    event = CustomerPurchased(purchase_id=ANN, total=amount, currency="EUR", coupon="SAVE-10")

    written_total = orjson.loads(recorded(event).data)["total"]

    assert re.fullmatch(json_schema_of(CustomerPurchased)["properties"]["total"]["pattern"], written_total)
    assert decode(recorded(event)) == event


@pytest.mark.parametrize(
    "total", ["1e30", "1" * 19, "0." + "1" * 11, "NaN", "-Infinity", "1E+999999999", "1E-999999999", "", "12,5"]
)
def test_an_amount_that_is_none_or_too_long_is_refused(total: str) -> None:
    with pytest.raises(ValidationError, match="a decimal, with at most 18 digits before the point and 10 behind"):
        CustomerPurchased.model_validate({"purchase_id": ANN, "total": total, "currency": "EUR"})


def test_an_amount_may_come_as_a_number_or_with_an_exponent() -> None:
    for total in (Decimal("1E+2"), "1E+2", 100, "100"):
        event = CustomerPurchased.model_validate({"purchase_id": ANN, "total": total, "currency": "EUR"})
        assert orjson.loads(recorded(event).data)["total"] == "100"


def test_what_is_given_back_is_never_below_zero() -> None:
    for amount in ("-0.01", Decimal("-0.01")):
        with pytest.raises(ValidationError):
            PurchaseRefunded.model_validate({"refund_id": ANN, "amount": amount, "currency": "EUR"})


def test_an_event_that_seems_to_have_exponents_is_written_like_any_other() -> None:
    event = example_of(CustomerContacted).model_copy(update={"outcome": "STOVE-TOP", "pii": None})
    plain = event.model_copy(update={"outcome": "STOVE TOP"})

    assert recorded(event).data == recorded(plain).data.replace(b"STOVE TOP", b"STOVE-TOP")


def test_a_moment_is_written_in_utc() -> None:
    moment = datetime.fromisoformat("2026-03-02T13:00:00+01:00")
    event = CustomerContacted(interaction_id=ANN, channel="phone", direction="inbound", started_at=moment)

    assert orjson.loads(recorded(event).data)["started_at"] == "2026-03-02T12:00:00Z"
    assert event.started_at == NOON
    assert event.started_at is not None
    assert event.started_at.tzinfo is UTC


def test_an_erased_customer_s_later_values_are_kept_redacted() -> None:
    data = encode(ANN_CREATED, tenant=ACME, event_id=EVENT_ID, key=Erased(at=NOON))

    assert orjson.loads(data)["pii"] == {"names": "redacted", "emails": "redacted"}
    back = decode(written(type_of(CustomerCreated), "1.0", data))
    assert isinstance(back, CustomerCreated)
    assert back.pii is not None
    assert back.pii.names == REDACTED
    assert back.pii.phones is None


def test_a_redacted_value_stays_redacted_whoever_has_a_key() -> None:
    event = ANN_CREATED.model_copy(update={"pii": CustomerCreatedPii(names=REDACTED)})

    assert decode(recorded(event), OPEN) == event


def test_personal_values_without_a_key_are_refused() -> None:
    with pytest.raises(ValueError, match=r"pii\.names has no key"):
        encode(ANN_CREATED, tenant=ACME, event_id=EVENT_ID, key=None)


def test_an_event_without_personal_values_needs_no_key() -> None:
    event = ANN_CREATED.model_copy(update={"pii": CustomerCreatedPii()})

    data = encode(event, tenant=ACME, event_id=EVENT_ID, key=None)

    assert "pii" not in orjson.loads(data)


def test_a_value_sealed_for_another_place_is_not_written_again() -> None:
    sealed = decode(recorded(ANN_CREATED))

    with pytest.raises(ValueError, match="sealed already"):
        encode(sealed, tenant=ACME, event_id=EventId(UUID(int=1)), key=ANNS_KEY)


def test_a_value_opens_only_where_it_was_sealed() -> None:
    event = recorded(ANN_CREATED)
    data = orjson.loads(event.data)
    swapped = {**data, "pii": {"names": data["pii"]["emails"], "emails": data["pii"]["names"]}}

    for moved in (
        replace(event, tenant=TenantId("other")),
        replace(event, event_id=EventId(UUID(int=1))),
        replace(event, data=orjson.dumps(swapped)),
    ):
        with pytest.raises(BrokenSeal):
            decode(moved, OPEN)


def test_another_person_s_key_opens_nothing() -> None:
    with pytest.raises(BrokenSeal):
        decode(recorded(ANN_CREATED), {ANNS_KEY.key_id: BOBS_KEY.key})
    event = recorded(ANN_CREATED)
    assert decode(event, {BOBS_KEY.key_id: BOBS_KEY.key}) == decode(event)


def test_the_keys_that_an_event_needs_are_told_without_opening_it() -> None:
    erased = encode(ANN_CREATED, tenant=ACME, event_id=EVENT_ID, key=Erased(at=NOON))
    bought = encode(example_of(CustomerPurchased), tenant=ACME, event_id=EVENT_ID, key=None)

    assert key_ids(recorded(ANN_CREATED).data) == {ANNS_KEY.key_id}
    assert key_ids(erased) == set()
    assert key_ids(bought) == set()
    assert key_ids(b'{"note":"\\"pii\\""}') == set()


def test_one_value_can_be_opened_when_it_is_read() -> None:
    text = orjson.loads(recorded(ANN_CREATED).data)["pii"]["names"]

    def opened(keys: dict[str, bytes | None]) -> object:
        return open_text(text, keys, tenant=ACME, event_id=EVENT_ID, pointer="/pii/names")

    assert opened({ANNS_KEY.key_id: ANNS_KEY.key}) == {"display": "Ann Archer"}
    assert opened({ANNS_KEY.key_id: None}) == REDACTED
    assert opened({}) == Sealed(text)


def test_an_old_reader_ignores_members_that_came_later() -> None:
    event = recorded(ANN_CREATED)
    newer = {**orjson.loads(event.data), "loyalty_card": "gold"}

    assert decode(replace(event, data=orjson.dumps(newer), schema="1.7"), OPEN) == ANN_CREATED


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b'"s"', b"{", b"{}", b'{"customer_id":"x","kind":"person","source":"s"}', b'{"pii":3}', b"\xff"],
)
def test_data_that_are_no_such_event_are_an_error_and_not_a_guess(data: bytes) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError)):
        decode(written(type_of(CustomerCreated), "1.0", data))


def test_a_plain_value_in_place_of_a_sealed_one_is_an_error() -> None:
    data = b'{"customer_id":"%s","kind":"person","source":"s","pii":{"emails":"ann@example.org"}}' % str(ANN).encode()

    with pytest.raises(BrokenSeal):
        decode(written(type_of(CustomerCreated), "1.0", data))


def test_unknown_types_are_told_by_their_name_alone() -> None:
    assert is_known("crm.customer.created.v1")
    assert not is_known("crm.customer.vanished.v1")
    assert class_of("crm.customer.vanished.v1") is None
    assert class_of("") is None
    with pytest.raises(UnknownType):
        decode(written("crm.customer.vanished.v1", "1.0", b"no JSON"))


def test_an_unknown_major_of_a_known_type_is_an_error_of_its_own() -> None:
    assert not is_known("crm.customer.created.v2")
    with pytest.raises(UnknownMajor) as caught:
        decode(written("crm.customer.created.v2", "2.0", b"no JSON"))
    assert caught.value.event is CustomerCreated


def test_who_publishes_an_event_follows_from_the_unions() -> None:
    assert source_of(CustomerCreated) == ("contacts",)
    assert source_of(ImportCompleted) == ("contacts", "interactions")
    assert TenantConfigured in published_by("contacts")
    assert set(EVENTS.values()) == {
        event for service in ("contacts", "interactions", "workflow", "analytics") for event in published_by(service)
    }


def test_a_malformed_type_or_version_stops_the_start() -> None:
    class Shouted(Event, frozen=True):
        """Its type is not of our form."""

        type: Literal["CustomerShouted"] = "CustomerShouted"

    class Confused(Event, frozen=True):
        """Its version is of another major."""

        type: Literal["crm.customer.confused.v2"] = "crm.customer.confused.v2"

    with pytest.raises(TypeError):
        type_of(Shouted)
    with pytest.raises(TypeError):
        schema_of(Confused)


text = st.text(min_size=1, max_size=40).filter(lambda value: "\x00" not in value)
code = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
money = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)
attributes = st.dictionaries(code, code | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1), max_size=5)


@given(
    st.builds(
        CustomerPurchased,
        purchase_id=st.uuids(),
        items=st.lists(
            st.builds(Item, sku=st.none() | code, qty=money, line_total=money, unit_price=st.none() | money), max_size=4
        ).map(tuple),
        total=money,
        currency=st.from_regex(r"[A-Z]{3}", fullmatch=True),
        tax=st.none() | money,
        attributes=attributes,
    )
)
def test_every_purchase_survives_the_wire(event: CustomerPurchased) -> None:
    assert decode(recorded(event)) == event


@given(
    st.builds(
        CustomerCreatedPii,
        names=st.none() | st.builds(Names, display=text, given=st.none() | text),
        emails=st.none() | st.lists(text, max_size=3).map(tuple),
        phones=st.none() | st.just(REDACTED),
    )
)
def test_every_person_survives_sealing(pii: CustomerCreatedPii) -> None:
    event = ANN_CREATED.model_copy(update={"pii": pii})
    back = decode(recorded(event), OPEN)

    assert isinstance(back, CustomerCreated)
    assert (back.pii or CustomerCreatedPii()) == pii


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(orjson.dumps))
def test_no_bytes_at_all_make_decoding_fail_in_an_unforeseen_way(data: bytes) -> None:
    with suppress(ValueError, msgspec.ValidationError):
        decode(written(type_of(CustomerProfileChanged), "1.0", data), OPEN)
