"""Under which id a customer is found who has a name in another system."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from rapport_chassis.reading import Read
from rapport_events.claiming import customers_of
from rapport_events.command import CustomerRef

router = APIRouter(tags=["customers"])

Name = Annotated[str, Query(min_length=1, max_length=200)]


class Naming(BaseModel):
    """An id that can be asked for; whether anybody is known under it, its card tells."""

    id: UUID = Field(description="What every service computes for this name.")


@router.get("/v1/customers:named")
async def find_by_name(reading: Read, system: Name, external_id: Name) -> Naming:
    """Tell the id of whoever another system knows by this name; it is computed, and need not be known here yet."""
    meant = (CustomerRef(system=system, external_id=external_id), datetime.now(UTC))
    return Naming(id=(await customers_of(reading.store.keyring, reading.caller.tenant, [meant]))[meant])
