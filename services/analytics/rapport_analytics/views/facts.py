"""Facts: the events behind a figure of the report, page by page."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from rapport_chassis.reading import Read
from rapport_chassis.standing import Freshness
from rapport_events.contracts.base import Code, Currency, Money
from rapport_events.ids import CustomerId, partition_of_customer
from rapport_events.statements import load

router = APIRouter(prefix="/v1", tags=["analytics"])

PAGE_MAX: Final = 200

Kind = Literal["purchases", "refunds", "complaints", "contacts"]

_STATEMENTS: Final[dict[Kind, str]] = {
    "purchases": "facts_sales",
    "refunds": "facts_sales",
    "complaints": "facts_complaints",
    "contacts": "facts_contacts",
}
_SALES: Final[dict[Kind, str]] = {"purchases": "purchase", "refunds": "refund"}
_VIEWS: Final[dict[Kind, str]] = {
    "purchases": "sales",
    "refunds": "sales",
    "complaints": "complaints",
    "contacts": "contacts",
}


class FactBehind(BaseModel):
    """One event that a figure counts, and where it lies in the ledger of interactions."""

    event_id: UUID
    partition: int
    customer_id: UUID
    occurred_at: datetime
    label: str = Field(description="Kind of sale, category of a complaint, channel of a contact.")
    amount: Money | None
    currency: Currency | None


class Facts(BaseModel):
    """Events behind a figure, the latest first."""

    facts: list[FactBehind]
    next_cursor: str | None
    freshness: Freshness


@router.get("/facts/{kind}", operation_id="list_facts")
async def list_facts(
    read: Read,
    kind: Kind,
    month: Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}$", description="In the tenant's zone.")] = None,
    value: Annotated[Code | None, Query(description="A category, or a channel.")] = None,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9T:.+Z-]{20,40}_[0-9a-f-]{36}$")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
) -> Facts:
    """List the facts that a figure of the report counts."""
    at, _, event_id = (cursor or "").partition("_")
    before: tuple[Any, Any] = (datetime.fromisoformat(at), UUID(event_id)) if cursor else (None, None)
    async with read.rows() as connection:
        zone = await connection.fetchval(load("rapport_analytics", "zone"))
        statement = load("rapport_analytics", _STATEMENTS[kind])
        rows = await connection.fetch(statement, _SALES.get(kind, value), zone, month, *before, limit + 1)
    tenant = read.caller.tenant
    facts = [
        FactBehind(
            partition=partition_of_customer(tenant, CustomerId(row["customer"])),
            customer_id=row["customer"],
            **{name: row[name] for name in ("event_id", "occurred_at", "label", "amount", "currency")},
        )
        for row in rows[:limit]
    ]
    last = facts[-1] if len(rows) > limit else None
    return Facts(
        facts=facts,
        next_cursor=f"{last.occurred_at.isoformat()}_{last.event_id}" if last else None,
        freshness=await read.freshness(_VIEWS[kind], "settings"),
    )
