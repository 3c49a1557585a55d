"""The token that says up to where something must be shown."""

import base64

import pytest
from hypothesis import given, strategies as st

from rapport_chassis.positions import Position, PositionUnreadable, merge_tokens, read_token, write_token

POSITIONS = st.builds(
    Position,
    st.sampled_from(["contacts", "interactions", "workflow", "analytics"]),
    st.integers(1, 9),
    st.integers(0, 31),
    st.integers(0, 2**63 - 1),
)


@given(st.lists(POSITIONS, max_size=40))
def test_what_is_written_is_read_with_the_highest_of_each_line(positions: list[Position]) -> None:
    highest = {each.line: each for each in sorted(positions)}

    assert set(read_token(write_token(positions))) == set(highest.values())


def test_merging_asks_for_all() -> None:
    one = write_token([Position("contacts", 1, 3, 7), Position("contacts", 1, 4, 9)])
    other = write_token([Position("contacts", 1, 3, 8), Position("workflow", 1, 0, 1)])

    assert read_token(merge_tokens(one, other)) == (
        Position("contacts", 1, 3, 8),
        Position("contacts", 1, 4, 9),
        Position("workflow", 1, 0, 1),
    )


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "ümlaut",
        "e30",
        base64.urlsafe_b64encode(b'[["contacts",1,32,1]]').decode(),
        base64.urlsafe_b64encode(b'[["contacts",0,3,1]]').decode(),
        base64.urlsafe_b64encode(b'[["contacts",1,3,-1]]').decode(),
        base64.urlsafe_b64encode(b'[["contacts",1,3,1,1]]').decode(),
        base64.urlsafe_b64encode(b'[["contacts",1,true,1]]').decode(),
        base64.urlsafe_b64encode(b'[["x; DROP TABLE",1,3,1]]').decode(),
        base64.urlsafe_b64encode(b"[" * 3_000).decode(),
        "A" * 9_000,
        write_token([Position("contacts", era, 1, 1) for era in range(1, 400)]),
    ],
)
def test_what_we_did_not_write_is_refused(token: str) -> None:
    with pytest.raises(PositionUnreadable):
        read_token(token)
