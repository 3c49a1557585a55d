"""Events of a former major are read as today's: a contract of tests went through three majors."""

from decimal import Decimal
from typing import Literal

import msgspec
import orjson
import pytest

from rapport_events.codec import UnknownMajor, decode
from rapport_events.contracts.base import Code, Count, Event, Money, Personal, Pii, Sealed
from rapport_events.narrow import narrow_decoder
from rapport_events.sealing import seal
from rapport_events.upcasts import UPCASTS, Data, Upcast, Upcasts
from rapport_events.vocabulary import EVENTS, RELEASED, Vocabulary
from tests.contracts.records import ACME, ANNS_KEY, EVENT_ID, written

V1, V2, V3 = (f"crm.parcel.weighed.v{major}" for major in (1, 2, 3))


class ParcelPii(Pii, frozen=True):
    """Who sent it."""

    sender: Personal[str] | None = None
    remark: Personal[str] | None = None


class ParcelWeighed(Event, frozen=True):
    """A parcel was put on the scales, in its third major."""

    schema_version = "3.0"
    type: Literal["crm.parcel.weighed.v3"] = "crm.parcel.weighed.v3"
    grams: Count
    fee: Money
    scale: Code | None = None
    pii: ParcelPii | None = None


def _from_pounds(data: Data, schema: str) -> Data:
    kilograms = Decimal(str(data["pounds"])) * Decimal("0.45359237")
    return {"kilograms": str(kilograms), "scale": data["scale"] if schema == "1.1" else "unknown"}


def _from_kilograms(data: Data, schema: str) -> Data:
    assert schema.startswith("2.")
    return {**data, "grams": int(Decimal(str(data["kilograms"])) * 1000), "fee": "0"}


STEPS = Upcasts([Upcast(V1, V2, _from_pounds), Upcast(V2, V3, _from_kilograms)])
PARCELS = Vocabulary({"parcels": ParcelWeighed}, STEPS)


def sealed(place: str, plain: str) -> str:
    return seal(orjson.dumps(plain), ANNS_KEY, tenant=ACME, event_id=EVENT_ID, pointer=f"/pii/{place}")


def test_an_event_of_the_first_major_is_read_as_one_of_the_third() -> None:
    data = orjson.dumps({"pounds": "2.5"})

    assert decode(written(V1, "1.0", data), vocabulary=PARCELS) == ParcelWeighed(
        grams=1133, fee=Decimal(0), scale="unknown"
    )


def test_a_step_can_tell_the_minors_of_its_major_apart() -> None:
    data = orjson.dumps({"pounds": "2", "scale": "s-1"})

    event = decode(written(V1, "1.1", data), vocabulary=PARCELS)

    assert isinstance(event, ParcelWeighed)
    assert event.scale == "s-1"


def test_a_current_event_is_not_touched() -> None:
    data = orjson.dumps({"grams": 5, "fee": "1.20", "pounds": "99"})

    assert decode(written(V3, "3.0", data), vocabulary=PARCELS) == ParcelWeighed(grams=5, fee=Decimal("1.20"))


def test_personal_values_pass_by_every_step_and_open_in_their_place() -> None:
    data = orjson.dumps({"pounds": "1", "pii": {"sender": sealed("sender", "Ann")}})

    event = decode(written(V1, "1.0", data), {ANNS_KEY.key_id: ANNS_KEY.key}, PARCELS)

    assert isinstance(event, ParcelWeighed)
    assert event.pii == ParcelPii(sender="Ann")


def test_personal_values_stay_sealed_through_every_step() -> None:
    text = sealed("sender", "Ann")
    data = orjson.dumps({"pounds": "1", "pii": {"sender": text}})

    event = decode(written(V1, "1.0", data), vocabulary=PARCELS)

    assert isinstance(event, ParcelWeighed)
    assert event.pii == ParcelPii(sender=Sealed(text))


def test_no_step_sees_or_moves_personal_values() -> None:
    seen: list[Data] = []

    def curious(data: Data, _schema: str) -> Data:
        seen.append(data)
        return {"pii": {"remark": "moved"}}

    pii = {"sender": sealed("sender", "Ann")}
    changed = Upcasts([Upcast(V1, V2, curious)]).apply(V1, "1.0", {"pounds": "1", "pii": pii})

    assert seen == [{"pounds": "1"}]
    assert changed == {"pii": pii}


class Sender(msgspec.Struct):
    """What a fold needs of the sender."""

    sender: str | None = None


class Weight(msgspec.Struct):
    """What a fold needs of a weighing."""

    grams: int
    fee: Decimal
    pii: Sender | None = None


def test_a_narrow_decode_sees_former_majors_as_today_s() -> None:
    assert PARCELS.types_of(ParcelWeighed) == (V1, V2, V3)
    decoders = {name: narrow_decoder(ParcelWeighed, Weight, name, PARCELS) for name in PARCELS.types_of(ParcelWeighed)}
    pii = {"sender": sealed("sender", "Ann")}

    assert decoders[V1](orjson.dumps({"pounds": "2.5", "pii": pii}), "1.0") == Weight(1133, Decimal(0), Sender(**pii))
    assert decoders[V2](orjson.dumps({"kilograms": "2"}), "2.0") == Weight(2000, Decimal(0))
    assert decoders[V3](orjson.dumps({"grams": 7, "fee": "1.50"}), "3.0") == Weight(7, Decimal("1.50"))


def test_a_major_without_a_way_to_today_s_is_unknown() -> None:
    only_the_second = Vocabulary({"parcels": ParcelWeighed}, Upcasts([Upcast(V2, V3, _from_kilograms)]))

    assert only_the_second.is_known(V2)
    assert not only_the_second.is_known(V1)
    with pytest.raises(UnknownMajor):
        only_the_second.class_of(V1)


@pytest.mark.parametrize(
    "steps",
    [
        [Upcast(V1, V2, _from_pounds), Upcast(V1, V3, _from_pounds)],
        [Upcast(V2, V1, _from_pounds)],
        [Upcast(V2, V2, _from_pounds)],
        [Upcast("crm.letter.weighed.v1", V2, _from_pounds)],
    ],
    ids=["twice", "backwards", "in a circle", "into another type"],
)
def test_steps_that_lead_nowhere_stop_the_start(steps: list[Upcast]) -> None:
    with pytest.raises(ValueError, match="upcast"):
        Upcasts(steps)


class ParcelWeighedBefore(Event, frozen=True):
    """A parcel was put on the scales, in its second major."""

    schema_version = "2.0"
    type: Literal["crm.parcel.weighed.v2"] = "crm.parcel.weighed.v2"


def test_two_majors_of_one_type_are_never_published_together() -> None:
    with pytest.raises(TypeError, match="one major"):
        Vocabulary({"parcels": ParcelWeighed | ParcelWeighedBefore}, Upcasts())


def test_every_released_step_ends_in_a_released_type() -> None:
    assert {UPCASTS.target(name) for event in EVENTS.values() for name in RELEASED.types_of(event)} == set(EVENTS)
