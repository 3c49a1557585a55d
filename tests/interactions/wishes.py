"""What tests of interactions often wish."""

from typing import Any

from rapport_events.testing import ANN
from tests.slices import Slices

ANN_ID = {"id": str(ANN)}


def shop(name: str) -> dict[str, str]:
    """Name a thing as the shop does."""
    return {"system": "shop", "id": name}


async def wish(interactions: Slices, route: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    """Send a command that must be granted, and return the answer."""
    answer = await interactions.wish(route, body)
    assert answer.status_code in {200, 201}, answer.text
    granted: dict[str, Any] = answer.json()
    return granted


async def buy(interactions: Slices, total: str, order: str | None = None, **rest: Any) -> dict[str, Any]:  # noqa: ANN401
    """Let Ann buy something."""
    body = {"customer": ANN_ID, "total": total, "currency": "EUR", "external": shop(order) if order else None, **rest}
    return await wish(interactions, "/v1/purchases", **body)


async def complain(interactions: Slices, number: str | None = None, **rest: Any) -> str:  # noqa: ANN401
    """Let Ann complain, and return the case."""
    external = shop(number) if number else None
    body = {"customer": ANN_ID, "category": "delivery", "channel": "web", "external": external, **rest}
    return str((await wish(interactions, "/v1/complaints", **body))["id"])
