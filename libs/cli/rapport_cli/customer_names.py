"""Find a customer by what people call one: an id, an e-mail address, or the name that another system gave."""

from typing import cast
from urllib.parse import quote
from uuid import UUID

from rapport_cli.wire import Access, NotFound, get_json


class Ambiguous(Exception):
    """Several customers are called that; the message names them."""


def find_customer(access: Access, name: str) -> str:
    """
    Return the id.

    Raises:
        NotFound: Nobody is called that.
        Ambiguous: Several are.
    """
    try:
        return str(UUID(name))
    except ValueError:
        pass
    if "@" in name:
        return _by_email(access, name.strip())
    system, colon, value = name.partition(":")
    if not colon or not system or not value:
        raise NotFound(f"{name!r} is no id, no e-mail address and no SYSTEM:VALUE")
    found = get_json(access, "contacts", f"/v1/customers:named?system={quote(system)}&external_id={quote(value)}")
    return str(found["id"])


def _by_email(access: Access, email: str) -> str:
    page = get_json(access, "contacts", f"/v1/customers?limit=50&q={quote(email)}")
    rows = cast("list[dict[str, object]]", page["customers"])
    ids = [str(row["id"]) for row in rows if _has(row, email)]
    if not ids:
        raise NotFound(f"nobody has the address {email}")
    if len(ids) > 1:
        raise Ambiguous(f"{len(ids)} customers have the address {email}: {', '.join(ids)}")
    return ids[0]


def _has(row: dict[str, object], email: str) -> bool:
    return email.lower() in [each.lower() for each in cast("list[str]", row["emails"])]
