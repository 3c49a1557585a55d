"""The ledger in memory does what any ledger does."""

import pytest

from rapport_events.memory_ledger import MemoryLedger
from tests.events.ledger_contract import LedgerContract


class MemoryDesk:
    def __init__(self) -> None:
        self.ledger = MemoryLedger(service="interactions")

    async def shut(self) -> None:
        self.ledger.is_open = False


class TestMemoryLedger(LedgerContract):
    @pytest.fixture
    async def desk(self) -> MemoryDesk:
        return MemoryDesk()
