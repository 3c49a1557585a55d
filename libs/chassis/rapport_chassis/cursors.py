"""Where the next page of an answer begins: opaque to callers, and never made of personal values."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Final

from fastapi import Query

from rapport_events.errors import Malformed

LENGTH_MAX: Final = 400
_BETWEEN: Final = "\x1f"

Cursor = Annotated[
    str | None, Query(max_length=LENGTH_MAX, description="`next_cursor` of the page before; without it the first page.")
]
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]


class CursorUnknown(Malformed):
    """This is no cursor of this list; begin again without one."""

    code = "cursor_unknown"


def write_cursor(*parts: object) -> str:
    """Return a cursor of some values, as their texts."""
    return urlsafe_b64encode(_BETWEEN.join(map(str, parts)).encode()).rstrip(b"=").decode()


def read_cursor(cursor: str, count: int) -> list[str]:
    """
    Return the texts of which a cursor was made.

    Raises:
        CursorUnknown: It is not one of `count` values.
    """
    try:
        parts = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(_BETWEEN)
    except ValueError:
        raise CursorUnknown from None
    if len(parts) != count:
        raise CursorUnknown
    return parts
