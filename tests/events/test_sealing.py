"""A sealed value opens with its key in its place, and nowhere else."""

import re
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from rapport_events.ids import EventId, TenantId, new_id
from rapport_events.keyring import SealKey
from rapport_events.sealing import BrokenSeal, key_id_of, seal, unseal

ACME, BETA = TenantId("acme"), TenantId("beta")
EVENT = EventId(UUID("01920000-0000-7000-8000-00000000a001"))
KEY = SealKey("__79_Pv6-fj39vX08_Lx8A", bytes(range(32)))
NAME = '"Ann Ångström"'.encode()
# Worked out with Node's crypto module from the description of the format.
SEALED = "s1.__79_Pv6-fj39vX08_Lx8A.ZGVmZ2hpamtsbW5v.alqwCFkq0_BZESuaGdMH33JQvWbXSF-_VaJcUbHHbqo"


def sealed(plain: bytes = NAME, pointer: str = "/pii/name") -> str:
    return seal(plain, KEY, tenant=ACME, event_id=EVENT, pointer=pointer)


def opened(text: str, pointer: str = "/pii/name") -> bytes:
    return unseal(text, KEY.key, tenant=ACME, event_id=EVENT, pointer=pointer)


def test_a_value_that_another_implementation_sealed_opens() -> None:
    assert opened(SEALED) == NAME
    assert key_id_of(SEALED) == KEY.key_id


def test_our_own_have_the_same_form() -> None:
    assert re.fullmatch(r"s1\.__79_Pv6-fj39vX08_Lx8A\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}", sealed())


@given(plain=st.binary(max_size=300), tenant=st.text(min_size=1, max_size=20), pointer=st.text(max_size=20))
def test_what_was_sealed_opens_in_its_place(plain: bytes, tenant: str, pointer: str) -> None:
    event = EventId(new_id())
    text = seal(plain, KEY, tenant=TenantId(tenant), event_id=event, pointer=pointer)

    assert unseal(text, KEY.key, tenant=TenantId(tenant), event_id=event, pointer=pointer) == plain


def test_the_same_value_never_looks_the_same() -> None:
    assert len({sealed() for _ in range(100)}) == 100


def test_two_values_of_one_event_cannot_be_swapped() -> None:
    name, phone = sealed(b"Ann", "/pii/name"), sealed(b"0170", "/pii/phone")

    for text, pointer in ((phone, "/pii/name"), (name, "/pii/phone")):
        with pytest.raises(BrokenSeal):
            opened(text, pointer)


def test_a_value_opens_in_no_other_tenant_or_event_and_with_no_other_key() -> None:
    text = sealed()

    with pytest.raises(BrokenSeal):
        unseal(text, KEY.key, tenant=BETA, event_id=EVENT, pointer="/pii/name")
    with pytest.raises(BrokenSeal):
        unseal(text, KEY.key, tenant=ACME, event_id=EventId(new_id()), pointer="/pii/name")
    with pytest.raises(BrokenSeal):
        unseal(text, bytes(32), tenant=ACME, event_id=EVENT, pointer="/pii/name")


def test_what_ends_the_tenant_cannot_begin_the_pointer() -> None:
    text = seal(NAME, KEY, tenant=TenantId("acme/pii"), event_id=EVENT, pointer="/name")

    with pytest.raises(BrokenSeal):
        opened(text)


def test_every_changed_character_breaks_the_seal_or_names_another_key() -> None:
    for place in range(len(SEALED)):
        changed = SEALED[:place] + ("A" if SEALED[place] != "A" else "B") + SEALED[place + 1 :]
        if 3 <= place < 25:
            assert key_id_of(changed) != KEY.key_id
        else:
            with pytest.raises(BrokenSeal):
                opened(changed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "redacted",
        "Ann",
        SEALED.replace("s1", "s2"),
        SEALED + "=",
        SEALED + "\n",
        " " + SEALED,
        SEALED.replace("alqw", "al+w"),
        SEALED.replace("alqw", "alé"),
        SEALED.rpartition(".")[0],
        SEALED + ".AAAA",
        SEALED[:-2],
        SEALED[:-3],
        SEALED[:-22],
        SEALED.replace(".ZGVm", "."),
    ],
)
def test_what_is_no_sealed_value_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(BrokenSeal) as refusal:
        opened(text)

    assert len(text) < 4 or text not in str(refusal.value)


def test_an_empty_value_can_be_sealed() -> None:
    assert opened(sealed(b"")) == b""
