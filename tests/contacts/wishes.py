"""What tests of contacts often wish and ask."""

from tests.slices import Slices


async def create(contacts: Slices, external_id: str, **pii: object) -> str:
    """Create a customer of the shop, and return its id."""
    body = {"customer": shop(external_id), "source": "shop", "pii": pii or None}
    answer = await contacts.wish("/v1/customers", body)
    assert answer.status_code in {200, 201}, answer.text
    return str(answer.json()["id"])


async def link(contacts: Slices, customer: str, external_id: str) -> int:
    """Link the shop's name of a customer to another, and return the status."""
    body = {"identity": shop(external_id)}
    return (await contacts.wish(f"/v1/customers/{customer}/link_identity", body)).status_code


async def unlink(contacts: Slices, customer: str, external_id: str) -> int:
    """Take it away again."""
    body = {"identity": shop(external_id)}
    return (await contacts.wish(f"/v1/customers/{customer}/unlink_identity", body)).status_code


async def found(contacts: Slices, q: str) -> list[str | None]:
    """Search, and return the names."""
    return [customer["name"] for customer in (await contacts.ask("/v1/customers", q=q))["customers"]]


def shop(external_id: str) -> dict[str, str]:
    """Name a customer as the shop does."""
    return {"system": "shop", "external_id": external_id}
