"""Folds decode only what they need; a struct that does not fit its event stops the start."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import orjson
import pytest

from rapport_events.codec import narrow_decoder
from rapport_events.contracts.contacts import CustomerCreated
from rapport_events.contracts.examples import NOON, example_of
from rapport_events.contracts.interactions import CustomerContacted, CustomerPurchased
from tests.contracts.records import recorded


class Line(msgspec.Struct):
    sku: str | None = None
    line_total: Decimal = Decimal(0)


class Purchase(msgspec.Struct):
    purchase_id: UUID
    total: Decimal
    items: list[Line] = []
    attributes: dict[str, str | bool | int] = {}


class Contact(msgspec.Struct):
    channel: str
    started_at: datetime | None = None


class Personal(msgspec.Struct):
    names: str | None = None


class Created(msgspec.Struct):
    kind: str
    pii: Personal | None = None


def test_a_narrow_decode_gives_amounts_ids_and_parts() -> None:
    example = example_of(CustomerPurchased)
    purchase = narrow_decoder(CustomerPurchased, Purchase)(recorded(example).data, "1.0")

    assert purchase == Purchase(
        purchase_id=example.purchase_id,
        total=example.total,
        items=[Line(sku=item.sku, line_total=item.line_total) for item in example.items],
        attributes=example.attributes,
    )


def test_a_narrow_decode_gives_moments_in_utc() -> None:
    contact = narrow_decoder(CustomerContacted, Contact)(recorded(example_of(CustomerContacted)).data, "1.0")

    assert contact == Contact(channel="phone", started_at=NOON)


def test_a_narrow_decode_leaves_personal_values_sealed() -> None:
    event = recorded(example_of(CustomerCreated))
    created = narrow_decoder(CustomerCreated, Created)(event.data, "1.0")

    assert created == Created(kind="person", pii=Personal(names=orjson.loads(event.data)["pii"]["names"]))


def test_a_field_that_is_missing_or_of_another_kind_is_an_error() -> None:
    decode = narrow_decoder(CustomerCreated, Created)

    for data in (b"{}", b'{"kind":3}', b"[]", b"{"):
        with pytest.raises(msgspec.MsgspecError):
            decode(data, "1.0")


class Misspelt(msgspec.Struct):
    totals: Decimal


class MisspeltPart(msgspec.Struct):
    subject_line: str | None = None


class MisspeltInside(msgspec.Struct):
    pii: MisspeltPart | None = None


class Demanding(msgspec.Struct):
    order_ref: str


class Repeating(msgspec.Struct):
    type: str


@pytest.mark.parametrize(
    ("struct", "complaint"),
    [
        (Misspelt, "Misspelt.totals is no field in the data of CustomerPurchased"),
        (Demanding, "Demanding.order_ref needs a default: CustomerPurchased may lack it"),
        (Repeating, "Repeating.type is no field"),
    ],
)
def test_a_struct_that_does_not_fit_its_event_is_refused(struct: type[msgspec.Struct], complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        narrow_decoder(CustomerPurchased, struct)


def test_a_part_that_does_not_fit_is_refused_too() -> None:
    with pytest.raises(TypeError, match=r"MisspeltPart\.subject_line is no field in the data of CustomerContactedPii"):
        narrow_decoder(CustomerContacted, MisspeltInside)
