"""Whether we may approach a customer for a purpose, on a channel, and which event says so."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from rapport_chassis.moments import NEVER
from rapport_chassis.reading import ReadAt
from rapport_chassis.standing import Freshness
from rapport_events.consent_words import ConsentWords
from rapport_events.contracts.base import Channel, Code
from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.parties import members
from rapport_events.permission import State, Word, deciding, last_words
from rapport_events.statements import load

router = APIRouter(tags=["customers"])


class Consents(ConsentWords):
    """One row for each word on a consent; which of them decides is asked anew each time."""

    package = "rapport_contacts"
    statement = "consents/add"


class WordShown(BaseModel):
    """What was said about a consent, and the event that tells of it."""

    purpose: str
    channel: str | None = Field(description="The channel that it is limited to; null: all.")
    state: State = Field(description="What it means now, or at the moment that was asked about.")
    at: datetime = Field(description="When it was said.")
    wording_version: str | None
    evidence_ref: str | None
    valid_until: datetime | None
    customer_id: UUID = Field(description="The id of the party under which it was said.")
    event_id: UUID
    partition: int


class Permission(BaseModel):
    """Whether we may."""

    customer_id: UUID
    purpose: str
    channel: str | None = Field(description="Null: every channel.")
    at: datetime = Field(description="The moment that the answer is about.")
    allowed: bool
    state: State
    since: datetime | None = Field(description="When the deciding word was said; null: nothing was ever said.")
    valid_until: datetime | None
    because: UUID | None = Field(description="The event that decides.")
    word: WordShown | None = Field(description="What it says.")
    freshness: Freshness


def shown_word(word: Word, moment: datetime) -> WordShown:
    """Return a word as it is shown."""
    values = {name: getattr(word, name) for name in WordShown.model_fields if name not in {"state", "at"}}
    return WordShown(**values, state=word.state_at(moment), at=word.occurred_at)


async def read_words(
    connection: Connection, tenant: TenantId, ids: list[UUID], moment: datetime, known_at: datetime = NEVER
) -> list[Word]:
    """Read all that a party had said about consents by a moment, as far as recorded, in the order that counts."""
    rows = await connection.fetch(load("rapport_contacts", "consents/rows"), tenant, ids, moment, known_at)
    return [Word(**row) for row in rows]


def standing_words(words: list[Word], moment: datetime) -> list[WordShown]:
    """Return what still decides on some purpose and channel."""
    return [shown_word(word, moment) for word in last_words(words)]


@router.get("/v1/customers/{customer_id}/consent")
async def may_we(
    reading: ReadAt,
    customer_id: UUID,
    purpose: Code,
    channel: Annotated[Channel | None, Query(description="Absent: whether every channel may be used.")] = None,
    at: Annotated[
        AwareDatetime | None,
        Query(description="The moment to ask about, also one to come; absent: that of `as_of`, or now."),
    ] = None,
) -> Permission:
    """
    Say whether we may approach a customer for a purpose, and which event says so.

    The last word on the purpose that covers the channel decides, over all ids that are one party: a withdrawal counts
    under whichever id it was said.
    """
    tenant, asked = reading.caller.tenant, reading.moment
    moment = (at or asked.at(datetime.now(UTC))).astimezone(UTC)
    async with reading.rows() as connection:
        ids = await members(connection, tenant, customer_id, known_at=asked.known_at)
        words = await read_words(connection, tenant, list(ids), moment, asked.limits[1])
    word = deciding(words, purpose, channel)
    state = word.state_at(moment) if word is not None else "never_said"
    return Permission(
        customer_id=customer_id,
        purpose=purpose,
        channel=channel,
        at=moment,
        allowed=state == "granted",
        state=state,
        since=word.occurred_at if word is not None else None,
        valid_until=word.valid_until if word is not None else None,
        because=word.event_id if word is not None else None,
        word=shown_word(word, moment) if word is not None else None,
        freshness=await reading.freshness("consents", "parties"),
    )
