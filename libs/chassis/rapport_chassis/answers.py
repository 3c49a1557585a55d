"""JSON as we answer it: exact numbers and ids are texts."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

import orjson
from starlette.responses import Response


def to_json(value: object) -> bytes:
    """Return a value as JSON; ids may come from the database driver, which has a UUID of its own."""
    return orjson.dumps(value, default=_text)


def _text(value: object) -> str:
    if isinstance(value, UUID | Decimal):
        return str(value)
    raise TypeError


def answer_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer in JSON."""
    return Response(to_json(value), status, headers, "application/json")
