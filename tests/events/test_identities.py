"""Outside names become the same ids in every service, and tell nobody the name."""

from itertools import pairwise
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given, strategies as st

from rapport_events.identities import customer_id, digest
from rapport_events.keyring import TenantKeys

KEYS = TenantKeys(wrap=bytes(32), ident=bytes(range(32, 64)))
OTHER = TenantKeys(wrap=bytes(32), ident=bytes(32))


# Worked out with Node's crypto module. These can never change: stored ids and claims would no longer be found.
@pytest.mark.parametrize(
    ("kind", "system", "value", "n", "expected"),
    [
        ("email", "", "ann@example.com", 0, "9f81ddd4-7bd7-89c9-9079-4518f760384f"),
        ("external", "shop", "Zoë-17", 1, "890e2c2e-cf64-858d-a8cb-d8586022c8b3"),
    ],
)
def test_a_known_name_has_a_known_id(kind: str, system: str, value: str, n: int, expected: str) -> None:
    assert customer_id(KEYS, kind=kind, system=system, value=value, n=n) == UUID(expected)


def test_known_parts_have_a_known_digest() -> None:
    assert digest(KEYS, "fact", "purchase", "shop", "536365").hex() == "1c343b6b698f52ddd6fca9ba2e088521"


@given(value=st.text(), n=st.integers(min_value=0, max_value=9))
def test_every_id_is_a_uuid_of_version_8(value: str, n: int) -> None:
    found = customer_id(KEYS, kind="external", system="shop", value=value, n=n)

    assert (found.version, found.variant) == (8, RFC_4122)


def test_kind_system_value_number_and_tenant_each_make_another_customer() -> None:
    found = {
        customer_id(KEYS, kind="external", system="shop", value="17"),
        customer_id(KEYS, kind="visitor", system="shop", value="17"),
        customer_id(KEYS, kind="external", system="till", value="17"),
        customer_id(KEYS, kind="external", system="shop", value="18"),
        customer_id(KEYS, kind="external", system="shop", value="17", n=1),
        customer_id(OTHER, kind="external", system="shop", value="17"),
    }

    assert len(found) == 6


def test_the_key_that_wraps_has_no_part_in_ids() -> None:
    rotated = TenantKeys(wrap=bytes(range(32)), ident=KEYS.ident)

    assert digest(rotated, "a") == digest(KEYS, "a")


@given(parts=st.lists(st.text(alphabet="ab\x00é", max_size=4), max_size=4), cut=st.integers(0, 16))
def test_the_same_text_in_other_parts_has_another_digest(parts: list[str], cut: int) -> None:
    text = "".join(parts)
    others = [text[:cut], text[cut:]]

    assert (digest(KEYS, *parts) == digest(KEYS, *others)) is (parts == others)


def test_a_digest_has_16_bytes_and_is_no_customer_id() -> None:
    same = digest(KEYS, "email", "", "ann@example.com", "0")

    assert len(same) == 16
    assert same[:6] != customer_id(KEYS, kind="email", system="", value="ann@example.com").bytes[:6]


def test_spelling_counts_because_callers_bring_names_into_one_form() -> None:
    found = [
        customer_id(KEYS, kind="email", system="", value=value) for value in ("ann@x.org", "Ann@x.org", "ann@x.org ")
    ]

    assert all(one != next_ for one, next_ in pairwise(found))
