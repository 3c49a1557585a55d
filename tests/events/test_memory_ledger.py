"""The ledger in memory does what any ledger does."""

import pytest

from rapport_events.memory_ledger import MemoryLedger
from tests.events.ledger_contract_claims import ClaimsContract, KeysContract, ReferencesContract
from tests.events.ledger_contract_numbers import LimitsContract, NumbersContract, TimesContract, VersionsContract
from tests.events.ledger_contract_reads import ReadsContract


class MemoryDesk:
    def __init__(self) -> None:
        self.ledger = MemoryLedger(service="interactions")

    async def shut(self) -> None:
        self.ledger.is_open = False


class InMemory:
    @pytest.fixture
    async def desk(self) -> MemoryDesk:
        return MemoryDesk()


class TestNumbers(InMemory, NumbersContract): ...


class TestVersions(InMemory, VersionsContract): ...


class TestTimes(InMemory, TimesContract): ...


class TestLimits(InMemory, LimitsContract): ...


class TestKeys(InMemory, KeysContract): ...


class TestClaims(InMemory, ClaimsContract): ...


class TestReferences(InMemory, ReferencesContract): ...


class TestReads(InMemory, ReadsContract): ...
