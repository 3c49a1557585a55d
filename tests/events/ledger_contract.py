"""What any ledger does; the test classes of each ledger inherit it, in parts."""

from typing import Protocol

import pytest

from rapport_events.ledger import Append, Ledger, Outcome
from tests.events.appends import TENANT


class Desk(Protocol):
    """A ledger that can be shut."""

    ledger: Ledger

    async def shut(self) -> None: ...


class LedgerContract:
    """Needs a fixture `desk`: an empty, open ledger."""

    @pytest.fixture
    def ledger(self, desk: Desk) -> Ledger:
        return desk.ledger


async def one(ledger: Ledger, appended: Append) -> Outcome:
    [outcome] = await ledger.append(TENANT, [appended])
    return outcome
