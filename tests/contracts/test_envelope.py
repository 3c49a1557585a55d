"""A record is a CloudEvent in Kafka's binary mode, and holds all that its row holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given, strategies as st

from rapport_events.cloudevents import to_structured
from rapport_events.codec import EVENTS
from rapport_events.contracts.base import Event
from rapport_events.contracts.contacts import CustomerCreated
from rapport_events.contracts.examples import example_of
from rapport_events.contracts.interactions import CustomerPurchased
from rapport_events.envelope import Meta, Recorded, from_headers, key_of, to_headers, topic_of
from rapport_events.ids import EventId, TenantId
from tests.contracts.records import ANN, NOON, recorded

WHOLE = replace(
    recorded(example_of(CustomerPurchased)),
    source="interactions",
    meta=Meta(
        actor="agent-7",
        correlation_id="c-1",
        causation_id="0190f3b2-7c00-7000-8000-00000000e000",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        claims=("purchase:00112233445566778899aabbccddeeff", "identity:ffeeddccbbaa99887766554433221100"),
        command_key="00112233445566778899aabbccddeeff.ffeeddccbbaa99887766554433221100",
    ),
)


def test_the_official_sdk_reads_our_record() -> None:
    message = KafkaMessage(headers=dict(to_headers(WHOLE)), key=key_of(WHOLE), value=WHOLE.data)

    event = from_binary_event(message)

    assert event.get_specversion() == "1.0"
    assert event.get_id() == str(WHOLE.event_id)
    assert event.get_source() == "/crm/interactions"
    assert event.get_type() == "crm.customer.purchased.v1"
    assert event.get_subject() == str(ANN)
    assert event.get_time() == NOON
    assert event.get_datacontenttype() == "application/json"
    assert event.get_dataschema() == "urn:rapport:crm.customer.purchased.v1:1.0"
    data = event.get_data()
    assert isinstance(data, dict)
    assert data["total"] == "0.75"


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_the_official_sdk_reads_every_event_in_both_modes(event: type[Event]) -> None:
    written = recorded(example_of(event))

    binary = from_binary_event(KafkaMessage(headers=dict(to_headers(written)), key=key_of(written), value=written.data))
    structured = JSONFormat().read(None, to_structured(written))

    for read in (binary, structured):
        assert (read.get_id(), read.get_type(), read.get_time()) == (str(written.event_id), written.type, NOON)
        assert read.get_data() == orjson.loads(written.data)


def test_every_extension_has_a_name_that_cloudevents_allows() -> None:
    message = KafkaMessage(headers=dict(to_headers(WHOLE)), key=key_of(WHOLE), value=WHOLE.data)
    extensions = {
        "recordedtime": "2026-03-02T12:00:00.000001Z",
        "partitionkey": f"acme:{ANN}",
        "era": "1",
        "position": "42",
        "stream": f"customer-{ANN}",
        "streamversion": "3",
        "tenantid": "acme",
        "actor": "agent-7",
        "correlationid": "c-1",
        "causationid": WHOLE.meta.causation_id,
        "traceparent": WHOLE.meta.traceparent,
        "claims": ",".join(WHOLE.meta.claims),
        "commandkey": WHOLE.meta.command_key,
    }
    event = from_binary_event(message)

    assert {name: event.get_extension(name) for name in extensions} == extensions
    standard = {"specversion", "id", "source", "type", "subject", "time", "dataschema"}
    assert {name.removeprefix("ce_") for name, _ in to_headers(WHOLE)} == {*standard, *extensions, "content-type"}


def test_personal_values_stand_in_no_header() -> None:
    event = recorded(example_of(CustomerCreated))

    assert not any(b"Archer" in value or b"ann@" in value for _, value in to_headers(event))
    assert b"Archer" not in event.data


moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (aware by it)
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=","), min_size=1, max_size=30)
metas = st.builds(
    Meta,
    actor=words,
    correlation_id=words,
    causation_id=st.none() | words,
    traceparent=st.none() | words,
    claims=st.lists(words, max_size=3).map(tuple),
    command_key=st.none() | words,
)
rows = st.builds(
    Recorded,
    source=st.sampled_from(["contacts", "interactions", "workflow", "analytics"]),
    era=st.integers(1, 9),
    partition=st.integers(0, 31),
    position=st.integers(1, 2**62),
    tenant=words.map(TenantId),
    stream=words,
    version=st.integers(1, 2**31),
    event_id=st.uuids().map(EventId),
    type=st.from_regex(r"crm\.[a-z]+\.[a-z]+\.v[1-9]", fullmatch=True),
    schema=st.from_regex(r"[1-9]\.[0-9]{1,2}", fullmatch=True),
    subject=words,
    data=st.binary(max_size=50),
    meta=metas,
    occurred_at=moments,
    recorded_at=moments,
)


@given(rows)
def test_a_record_holds_all_that_its_row_holds(row: Recorded) -> None:
    assert from_headers(to_headers(row), partition=row.partition, value=row.data) == row


@given(metas)
def test_meta_survives_its_column(meta: Meta) -> None:
    assert Meta.from_json(meta.to_json()) == meta


def test_a_moment_of_another_zone_is_written_in_utc() -> None:
    there = NOON.astimezone(datetime.fromisoformat("2026-03-02T12:00:00+05:30").tzinfo)
    headers = dict(to_headers(replace(WHOLE, occurred_at=there)))

    assert headers["ce_time"] == b"2026-03-02T12:00:00.000000Z"


@pytest.mark.parametrize("missing", ["ce_id", "ce_type", "ce_position", "ce_tenantid", "ce_time", "ce_dataschema"])
def test_a_record_without_a_required_attribute_is_an_error(missing: str) -> None:
    headers = [(name, value) for name, value in to_headers(WHOLE) if name != missing]

    with pytest.raises(KeyError):
        from_headers(headers, partition=7, value=WHOLE.data)


@pytest.mark.parametrize(
    ("name", "value"),
    [("ce_position", b"x"), ("ce_id", b"7"), ("ce_time", b"noon"), ("ce_actor", b"\xff"), ("ce_era", b"")],
)
def test_a_record_with_a_malformed_attribute_is_an_error(name: str, value: bytes) -> None:
    headers = {**dict(to_headers(WHOLE)), name: value}

    with pytest.raises(ValueError, match=r"."):
        from_headers(headers.items(), partition=7, value=WHOLE.data)


def test_attributes_that_others_add_are_ignored() -> None:
    headers = [*to_headers(WHOLE), ("ce_colour", b"red"), ("x-replayed", b"1")]

    assert from_headers(headers, partition=7, value=WHOLE.data) == WHOLE


def test_an_era_has_a_topic_of_its_own() -> None:
    assert topic_of("contacts") == "crm.contacts"
    assert topic_of("contacts", era=2) == "crm.contacts.e2"
    assert topic_of("contacts", prefix="test") == "test.contacts"


def test_the_suite_s_order_is_by_time_of_record_first() -> None:
    later = replace(WHOLE, recorded_at=WHOLE.recorded_at + timedelta(seconds=1), source="contacts", position=1)

    assert sorted([later, WHOLE], key=lambda event: event.order) == [WHOLE, later]
    assert WHOLE.order == (WHOLE.recorded_at, "interactions", 7, 42)
    assert UUID(str(WHOLE.event_id)) == WHOLE.event_id
