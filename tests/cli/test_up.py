"""One command starts a whole suite; killed or stopped, it comes back with the same data."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rapport_cli.launching.ports import BROKER, OFFSETS, POSTGRES
from rapport_events.ids import PARTITIONS
from rapport_events.scanner import read_partition
from tests.cli.suites import TENANT, Suite, free_base
from tests.waiting import until

SERVICES = ["contacts", "interactions", "workflow", "analytics", "console"]
SECONDS = 30


@pytest.fixture(scope="module")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    """Start a suite with `rapport up --detach`; the tests of this file share it, in their order."""
    suite = Suite(tmp_path_factory.mktemp("up") / "data", free_base())
    said = await suite.up()
    assert said.code == 0, said.err
    assert [line.split()[1] for line in said.err.splitlines() if line.split()[0] == "ready"] != []
    yield suite
    assert (await suite.down()).code == 0
    assert suite.processes() == {}


async def totals(suite: Suite, customer: str) -> list[dict[str, Any]]:
    answer = await suite.ask("analytics", f"/v1/customers/{customer}/totals")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["totals"]
    return found


async def buy(suite: Suite, order: str, total: str) -> None:
    body = {
        "customer": {"system": "shop", "external_id": "17850"},
        "external": {"system": "shop", "id": order},
        "total": total,
        "currency": "GBP",
    }
    answer = await suite.wish("interactions", "/v1/purchases", body)
    assert answer.status_code == 201, answer.text


async def id_of(suite: Suite) -> str:
    answer = await suite.ask("contacts", "/v1/customers:named?system=shop&external_id=17850")
    return str(answer.json()["id"])


async def has_bought(suite: Suite, customer: str, count: int, revenue: str) -> None:
    async def is_shown() -> bool:
        found = await totals(suite, customer)
        return [(each["purchases"], each["revenue"]) for each in found] == [(count, revenue)]

    await until(is_shown, seconds=SECONDS, what=f"analytics shows {count} purchases worth {revenue}")


async def until_known(suite: Suite, customer: str) -> None:
    async def is_known() -> bool:
        return (await suite.ask("contacts", f"/v1/customers/{customer}")).status_code == 200

    await until(is_known, seconds=SECONDS, what="contacts shows the customer")


async def records_in(suite: Suite, topic: str) -> int:
    """Count what the broker holds."""
    broker, count = f"127.0.0.1:{suite.base + OFFSETS[BROKER]}", 0
    for partition in range(PARTITIONS):
        async for records in read_partition(broker, topic, partition):
            count += len(records)
    return count


async def all_are_ready(suite: Suite) -> None:
    async def are_ready() -> bool:
        said = await suite.verb("status", "--json", "--tenant", TENANT, "--data", str(suite.folder))
        return said.code == 0 and all(
            reader["lag"] == 0 for service in said.json for reader in service.get("readers", ())
        )

    await until(are_ready, seconds=SECONDS, what="everything is ready, and no reader lags")


async def test_everything_is_ready_and_kept_from_others(suite: Suite) -> None:
    said = await suite.verb("status", "--json", "--tenant", TENANT, "--data", str(suite.folder))

    assert said.code == 0, said.out
    assert [(each["service"], each["status"]) for each in said.json] == [(name, "ready") for name in SERVICES]
    assert all(each["mirror_lag"] == 0 for each in said.json if each["service"] != "console")
    assert set(suite.processes()) == {"launcher", POSTGRES, BROKER, "services"}
    assert stat.S_IMODE(suite.folder.stat().st_mode) == 0o700
    secrets = list((suite.folder / "secrets").iterdir())
    assert {stat.S_IMODE(each.stat().st_mode) for each in secrets} == {0o600}


async def test_a_command_to_one_service_is_seen_in_another(suite: Suite) -> None:
    await buy(suite, "536365", "139.12")
    await has_bought(suite, await id_of(suite), 1, "139.12")


async def test_a_token_opens_its_own_tenant_and_no_other(suite: Suite) -> None:
    body = {"customer": {"system": "shop", "external_id": "17850"}, "source": "shop", "pii": {"name": "Ann Young"}}
    answer = await suite.wish("contacts", "/v1/customers", body)
    await until_known(suite, answer.json()["id"])

    own = await suite.verb("customer", "show", "shop:17850", "--tenant", TENANT, "--data", str(suite.folder))
    foreign = await suite.verb("customer", "show", answer.json()["id"], "--tenant", "b", "--data", str(suite.folder))

    assert own.code == 0, own.err
    assert own.out.startswith("Ann Young")
    assert "customer.purchased" in own.out
    assert (foreign.code, foreign.out) == (2, "")


async def test_the_doctor_finds_nothing_wrong(suite: Suite) -> None:
    async def is_well() -> bool:
        said = await suite.verb("doctor", "--json", "--data", str(suite.folder))
        return said.code == 0 and {finding["state"] for finding in said.json} == {"ok"}

    await until(is_well, seconds=SECONDS, what="the doctor has no complaint")


async def test_a_second_start_says_that_it_is_up_already(suite: Suite) -> None:
    before = suite.processes()
    said = await suite.up()
    assert (said.code, said.json["pid"]) == (0, before["launcher"].pid)
    assert "already up" in said.err
    assert suite.processes() == before


async def test_the_demonstration_is_loaded_once(suite: Suite) -> None:
    words = ("demo", "load", "--json", "--customers", "40", "--tenant", "demo", "--data", str(suite.folder))

    first = await suite.verb(*words)
    assert first.code == 0, first.err
    again = await suite.verb(*words)

    assert (set(first.json["lines"]), first.json["is_shown"]) == ({"recorded"}, True)
    assert sum(again.json["lines"].values()) == first.json["lines"]["recorded"]
    assert set(again.json["lines"]) == {"repeated", "nothing_new"}
    assert again.json["worth_looking_at"] == first.json["worth_looking_at"]
    ada = await suite.verb("customer", "show", "ada@example.com", "--tenant", "demo", "--data", str(suite.folder))
    assert ada.code == 0, ada.err
    assert "advocate" in ada.out


async def test_a_part_that_dies_is_started_again(suite: Suite) -> None:
    before = suite.processes()
    await suite.kill("services", BROKER)

    def is_back() -> bool:
        now = suite.processes()
        return all(name in now and now[name] != before[name] for name in ("services", BROKER))

    await until(is_back, seconds=SECONDS, what="services and broker have new processes")
    await all_are_ready(suite)
    await buy(suite, "536366", "22.20")
    await has_bought(suite, await id_of(suite), 2, "161.32")
    log = (suite.folder / "logs" / "launcher.log").read_text(encoding="utf-8")
    assert "services ended by itself" in log
    assert "broker runs again" in log


async def test_after_a_kill_of_everything_it_goes_on_with_the_same_data(suite: Suite) -> None:
    customer = await id_of(suite)
    await suite.kill()

    said = await suite.up()

    assert said.code == 0, said.err
    assert "migrations applied" not in said.err
    await has_bought(suite, customer, 2, "161.32")
    await buy(suite, "536367", "0.68")
    await has_bought(suite, customer, 3, "162.00")
    # The broker had forgotten everything, and has it from the ledger again.
    await all_are_ready(suite)
    heads = (await suite.ask("interactions", "/v1/ledger")).json()["heads"]
    assert await records_in(suite, "crm.interactions") == sum(heads) > 3


async def test_after_a_stop_it_goes_on_with_the_same_data(suite: Suite, tmp_path: Path) -> None:
    customer = await id_of(suite)
    assert (await suite.down()).err.strip() == "stopped; the data stays"
    assert (await suite.down()).err.strip() == "nothing was running"
    assert (await Suite(tmp_path / "no-such-folder", suite.base).down()).code == 0

    assert (await suite.up()).code == 0

    await has_bought(suite, customer, 3, "162.00")
