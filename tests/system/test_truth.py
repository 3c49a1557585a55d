"""Real public files go in, and the figures that come out are the known true ones."""

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from tests.system.client import Client, Json
from tests.system.conftest import Say
from tests.system.rows import changes, rows_of
from tests.system.standing import settle
from tests.system.story import figures
from tests.system.suites import Said, Suite

SMALL = Path(__file__).parent.parent / "data" / "small"
SETS = {
    "online_retail": "online_retail.csv.gz",
    "bank_marketing": "bank_full.csv.gz",
    "cdnow": "cdnow_full.csv.gz",
    "cfpb_bank_complaints": "complaints.csv.gz",
}
"""Name of each set, which is also that of its mapping, and its file; the quickest first."""
IMPORT_SECONDS = 400
REPORT_SECONDS = 200
KILLS = 3


@dataclass(frozen=True, slots=True)
class Importing:
    """A file, the mapping that reads it, and the figures that are known of it."""

    file: Path
    mapping: str
    truth: Path

    @classmethod
    def small(cls) -> "Importing":
        """Return the committed set of 300 rows."""
        return cls(SMALL / "shop.csv", str(SMALL / "mapping.toml"), SMALL / "truth.json")

    def order(self, tenant: str) -> list[str]:
        """Return the call that imports it."""
        return ["import", str(self.file), "--mapping", self.mapping, "--tenant", tenant, "--json", "--quiet"]

    async def run(self, suite: Suite, tenant: str) -> Json:
        """Import it, and return what the command says; rejected rows are no failure."""
        said = await suite.verb(*self.order(tenant), tenant=tenant, seconds=IMPORT_SECONDS)
        assert said.code in {0, 1}, said.error
        outcome: Json = orjson.loads(said.out)
        return outcome

    async def compare(self, suite: Suite, tenant: str, position: str) -> Said:
        """Compare the report, as soon as it shows a position, with the truth."""
        call = ["report", "--tenant", tenant, "--mapping", self.mapping, "--truth", str(self.truth), "--json"]
        deadline = time.monotonic() + REPORT_SECONDS
        while True:
            said = await suite.verb(*call, "--after", position, tenant=tenant)
            if said.code != NOT_YET or time.monotonic() > deadline:
                return said


NOT_YET = 3


def assert_is_true(said: Said) -> Json:
    """See that every figure is there and right."""
    comparison: Json = orjson.loads(said.out) if said.out else {}
    assert said.code == 0, said.error or [*comparison["differences"], *comparison["unanswered"]]
    assert comparison["compared"] > 50
    return comparison


async def test_the_small_shop_shows_its_figures(suite: Suite, tenant: str, client: Client) -> None:
    shop = Importing.small()

    outcome = await shop.run(suite, tenant)

    assert outcome["rows"] == outcome["rows_used"] + sum(outcome["skipped"].values()) + sum(
        outcome["rejected"].values()
    )
    assert_is_true(await shop.compare(suite, tenant, outcome["position"]))
    assert await counted(client) == [(outcome["rows"], outcome["skipped"], outcome["rejected"])]


async def counted(client: Client) -> list[tuple[int, Json, Json]]:
    """Return how the report counts the rows of imports, each file once."""
    imports = (await figures(client))["imports"]["completed"]
    return list({each["import_id"]: (each["rows"], each["skipped"], each["rejected"]) for each in imports}.values())


async def test_the_same_file_again_changes_nothing(suite: Suite, tenant: str, client: Client) -> None:
    shop = Importing.small()
    first = await shop.run(suite, tenant)
    await settle(suite)
    before, shown = await rows_of(suite), await figures(client)

    again = await shop.run(suite, tenant)
    from_start = await suite.verb(*shop.order(tenant), "--from-start", tenant=tenant)
    await settle(suite)

    assert from_start.code in {0, 1}, from_start.error
    assert "recorded" in first["sent"]
    assert "recorded" not in again["sent"]
    assert "recorded" not in orjson.loads(from_start.out)["sent"]
    assert await figures(client) == shown
    assert changes(before, await rows_of(suite)) == {}


async def test_an_import_killed_at_any_moment_and_called_again_shows_the_same_figures(
    suite: Suite, tenant: str
) -> None:
    shop = Importing.small()
    began = time.monotonic()
    whole = await shop.run(suite, f"{tenant}-whole")
    seconds = time.monotonic() - began
    moments = [random.uniform(0.1, 1) * seconds for _ in range(KILLS)]  # noqa: S311  # no secret

    for moment in moments:
        process = await suite.begin_verb(*shop.order(tenant), tenant=tenant)
        try:
            async with asyncio.timeout(moment):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.communicate()
    outcome = await shop.run(suite, tenant)

    assert_is_true(await shop.compare(suite, tenant, outcome["position"]))
    assert {name: outcome[name] for name in ("rows", "facts", "skipped", "rejected")} == {
        name: whole[name] for name in ("rows", "facts", "skipped", "rejected")
    }, moments


@pytest.mark.timeout(IMPORT_SECONDS + REPORT_SECONDS)
@pytest.mark.parametrize("name", SETS)
async def test_a_public_set_shows_the_figures_that_are_known_of_it(
    suite: Suite, name: str, data_folder: Path, say: Say
) -> None:
    folder = data_folder / name
    if not folder.is_dir():
        return
    public = Importing(folder / SETS[name], name, folder / "truth.json")
    began = time.monotonic()

    outcome = await public.run(suite, name)
    imported = time.monotonic()
    comparison = assert_is_true(await public.compare(suite, name, outcome["position"]))
    folded = time.monotonic()

    assert outcome["rejected"] == {}
    say(
        f"truth: {name}: {comparison['compared']} figures are true; {outcome['rows']:,} rows became"
        f" {sum(outcome['facts'].values()):,} facts in {imported - began:.1f} s,"
        f" and were folded {folded - imported:.1f} s later"
    )


def test_it_is_said_how_many_sets_there_are(data_folder: Path, say: Say) -> None:
    there = [name for name in SETS if (data_folder / name).is_dir()]

    say(f"truth: {len(there)} of {len(SETS)} sets")
