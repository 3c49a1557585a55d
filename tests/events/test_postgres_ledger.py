"""The ledger in PostgreSQL does what any ledger does."""

from tests.events.ledger_contract_claims import ClaimsContract, KeysContract, ReferencesContract
from tests.events.ledger_contract_numbers import LimitsContract, NumbersContract, TimesContract, VersionsContract
from tests.events.ledger_contract_reads import ReadsContract


class TestNumbers(NumbersContract): ...


class TestVersions(VersionsContract): ...


class TestTimes(TimesContract): ...


class TestLimits(LimitsContract): ...


class TestKeys(KeysContract): ...


class TestClaims(ClaimsContract): ...


class TestReferences(ReferencesContract): ...


class TestReads(ReadsContract): ...
