"""Wait until it is known who is one party, for what is decided for all of it."""

from typing import Final

from rapport_chassis.problems import Refused
from rapport_chassis.standing import NOT_YET_FOLDED, Standing
from rapport_events.parties import Parties

OWNER: Final = "contacts"
"""Who decides which ids are one party."""


async def catch_up(standing: Standing) -> None:
    """
    Wait until this service has folded all links and merges that were acknowledged before.

    Raises:
        Refused: It has not happened within 5 s, or contacts does not say how far its ledger goes.
    """
    heads = await standing.heads_of(OWNER)
    if heads is None:
        raise Refused(NOT_YET_FOLDED)
    await standing.wait_for(heads, (Parties.name,))
