"""`rapport doctor` says what is wrong with a suite, where, and what to do about it."""

import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from rapport_cli.doctor import broker, databases, disk, guards, ledgers, migrations, readers, secrets as keys, services
from rapport_cli.doctor.case import Case, Finding
from rapport_cli.doctor.readers import Ledger, Place
from rapport_cli.launching.installed import find_installed
from rapport_cli.launching.readiness import Look
from rapport_events.kafka import apply_topics, look_at_broker
from rapport_events.tally import Tally
from tests.cli.suites import Suite, environment
from tests.databases import ServiceDatabase
from tests.waiting import until

MakeServiceDatabase = Callable[[str], Awaitable[ServiceDatabase]]


@pytest.fixture
async def database(make_service_database: MakeServiceDatabase) -> ServiceDatabase:
    """Make the database of one service."""
    return await make_service_database("workflow")


@asynccontextmanager
async def opened(database: ServiceDatabase, **more: str) -> AsyncGenerator[tuple[Case, list[Finding]]]:
    """Open a case in which only workflow's database can be reached."""
    settings = {"RAPPORT_WORKFLOW_APP": database.app, "RAPPORT_WORKFLOW_KEEPER": database.keeper, **more}
    case = Case(settings, find_installed(["workflow"]), {})
    async with AsyncExitStack() as stack:
        yield case, await databases.open_all(case, stack)


async def by_hand(database: ServiceDatabase, statement: str) -> None:
    """Change a database as its superuser."""
    connection = await asyncpg.connect(database.admin)
    await connection.execute(statement)
    await connection.close()


def states(findings: list[Finding]) -> list[str]:
    return [finding.state for finding in findings]


async def test_a_database_as_its_migrations_made_it_is_well(database: ServiceDatabase) -> None:
    async with opened(database) as (case, unreachable):
        assert unreachable == []
        found = [finding for check in (databases, migrations, guards) for finding in await check.check(case)]
    assert states(found) == ["ok", "ok", "ok"], found


async def test_a_role_that_gets_no_connection_is_named_with_its_setting(database: ServiceDatabase) -> None:
    wrong = database.app.replace("of-a-test", "not-this-one")
    gone = database.app.rpartition("/")[0] + "/rapport_nowhere"
    async with opened(database, RAPPORT_WORKFLOW_APP=wrong, RAPPORT_KEYRING=gone) as (_, unreachable):
        assert [finding.subject for finding in unreachable] == ["database keyring", "database workflow"]
    assert "make it with `rapport migrate up`" in unreachable[0].fix
    assert "RAPPORT_WORKFLOW_APP" in unreachable[1].fix


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("ALTER TABLE claims NO FORCE ROW LEVEL SECURITY", "not forced on claims"),
        ("ALTER TABLE events_7 DISABLE ROW LEVEL SECURITY", "not forced on events_7"),
        ("CREATE TABLE plain (tenant_id text)", "not forced on plain"),
        ("GRANT INSERT ON events TO rapport_workflow_app", "events: rapport_workflow_app INSERT"),
        ("GRANT SELECT ON events_3 TO rapport_workflow_app", "events_3: rapport_workflow_app SELECT"),
        ("GRANT SELECT ON parked TO PUBLIC", "parked: PUBLIC SELECT"),
    ],
)
async def test_a_guard_that_was_taken_away_by_hand_is_found(
    database: ServiceDatabase, statement: str, what: str
) -> None:
    await by_hand(database, statement)
    async with opened(database) as (case, _):
        found = await guards.check(case)
    assert states(found) == ["fail"]
    assert what in found[0].what


async def test_migrations_that_are_missing_changed_or_newer_are_named(database: ServiceDatabase) -> None:
    async def look() -> Finding:
        async with opened(database) as (case, _):
            (finding,) = await migrations.check(case)
            return finding

    await by_hand(database, "INSERT INTO migrations (name, checksum) VALUES ('migrations/9999_later.sql', '')")
    newer = await look()
    await by_hand(database, "DELETE FROM migrations WHERE name = 'migrations/0001_tasks.sql'")
    missing = await look()
    await by_hand(database, "UPDATE migrations SET checksum = '' WHERE name = 'ledger/0001_ledger.sql'")
    changed = await look()

    assert (newer.state, missing.state, changed.state) == ("warn", "fail", "fail")
    assert "9999_later" in newer.what
    assert "0001_tasks" in missing.what
    assert "0001_ledger" in changed.what


async def test_a_ledger_without_mirror_is_shut_and_said_to_be(database: ServiceDatabase) -> None:
    async with opened(database) as (case, _):
        found = await ledgers.check(case)
    assert [(finding.state, finding.subject) for finding in found] == [
        ("fail", "ledger workflow"),
        ("fail", "mirror workflow"),
    ]


async def test_topics_that_drifted_are_named(kafka: str) -> None:
    good, short, gone = (f"d{secrets.token_hex(4)}.{name}" for name in ("good", "short", "gone"))
    await apply_topics(kafka, [good])
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(short, 4, 1, topic_configs={"retention.ms": "60000"})])
    await admin.close()

    async def is_known() -> bool:
        states = (await look_at_broker(kafka, [short])).topics
        return short in states and bool(states[short].configs)

    await until(is_known, seconds=20, what="the broker tells of the topic that it has just made")
    found = list(broker.judge(kafka, await look_at_broker(kafka, [good, short, gone]), [good, short, gone]))

    assert [(finding.state, finding.subject) for finding in found] == [
        ("ok", "broker"),
        ("ok", f"topic {good}"),
        ("fail", f"topic {short}"),
        ("fail", f"topic {short}"),
        ("fail", f"topic {gone}"),
    ]
    assert "4 partitions instead of 32" in found[2].what
    assert "retention.ms is 60000" in found[3].what


async def test_a_broker_that_is_away_is_one_line() -> None:
    (finding,) = await broker.check(Case({"RAPPORT_KAFKA": "127.0.0.1:1"}, (), {}))
    assert (finding.state, finding.subject) == ("fail", "broker")


@pytest.mark.parametrize(
    ("skew", "took", "expected"),
    [(0.9, 0, ["ok"]), (2.5, 4, ["ok"]), (-3, 0.01, ["ok", "warn"]), (11, 0.01, ["ok", "fail"])],
)
def test_clocks_are_compared_as_far_as_the_question_allows(skew: float, took: float, expected: list[str]) -> None:
    assert states(databases.judge("contacts", "18.6", 180_006, skew, took)) == expected


def test_an_old_server_is_refused() -> None:
    assert states(databases.judge("contacts", "16.4", 160_004, 0, 0)) == ["fail"]


@pytest.mark.parametrize(
    ("places", "parked", "expected"),
    [
        ([Place("contacts", 2, 1, 7, 0)], 0, ["ok"]),
        ([Place("contacts", 2, 1, 5, 3)], 0, ["warn"]),
        ([Place("contacts", 2, 1, 5, 300)], 0, ["fail"]),
        ([Place("contacts", 1, 1, 7, 300)], 0, ["warn"]),
        ([Place("contacts", 2, 1, 7, 300)], 4, ["ok", "warn"]),
    ],
)
def test_a_reader_is_judged_by_what_it_misses_in_the_current_era(
    places: list[Place], parked: int, expected: list[str]
) -> None:
    ledger = Ledger(2, [0, 7, *[0] * 30])
    assert states(list(readers.judge("reader contacts.card", {"contacts": ledger}, places, parked))) == expected


@pytest.mark.parametrize(
    ("taken", "expected"),
    [(Tally(7, 10, 20), ["ok"]), (Tally(7, 10, 21), ["fail", "ok"]), (Tally(8, 10, 20), ["fail", "ok"])],
)
def test_a_reader_that_has_taken_other_events_than_its_ledger_holds_is_found(taken: Tally, expected: list[str]) -> None:
    ledger = Ledger(1, [0, 7, *[0] * 30], {1: (7, Tally(7, 10, 20))})
    found = readers.judge("reader contacts.card", {"contacts": ledger}, [Place("contacts", 1, 1, 7, 0, 0, taken)], 0)
    assert states(list(found)) == expected


def test_a_reader_of_a_ledger_that_cannot_be_asked_has_an_unknown_lag() -> None:
    (finding,) = readers.judge("reader contacts.card", {"interactions": None}, [], 0)
    assert (finding.state, "interactions" in finding.what) == ("warn", True)


@pytest.mark.parametrize(
    ("look", "state"),
    [
        (Look(is_able=True, is_whole=True), "ok"),
        (Look(is_able=True, parts={"mirror": "waiting (comparing)"}), "warn"),
        (Look(parts={"database": "waiting"}), "fail"),
        (Look(), "fail"),
    ],
)
def test_a_process_is_judged_by_what_it_says_of_itself(look: Look, state: str) -> None:
    assert services.judge("contacts", look).state == state


@pytest.mark.parametrize(
    ("path", "mode", "state"),
    [("/data/master_key", 0o600, "ok"), ("/data/master_key", 0o640, "fail"), ("/run/secrets/master_key", 0o444, "ok")],
)
def test_a_master_key_that_others_may_read_is_a_fault(path: str, mode: int, state: str) -> None:
    assert keys.judge_file(Path(path), 0o100000 | mode).state == state


@pytest.mark.parametrize(("gib", "state"), [(0.5, "fail"), (3, "warn"), (50, "ok")])
def test_a_disk_that_fills_up_is_told_in_time(gib: float, state: str) -> None:
    assert disk.judge(int(gib * 1024**3)).state == state


async def test_a_suite_elsewhere_is_found_by_the_environment_and_every_fault_has_a_fix(tmp_path: Path) -> None:
    key = tmp_path / "master_key"
    key.write_text(secrets.token_hex(32))
    key.chmod(0o644)
    told: Mapping[str, str] = {
        **environment(),
        "RAPPORT_KAFKA": "127.0.0.1:1",
        "RAPPORT_MASTER_KEY_FILE": str(key),
        "RAPPORT_KEYRING": "postgresql://rapport_keyring_app:x@127.0.0.1:1/rapport_keyring",
        "RAPPORT_CONTACTS_POOLSIZE": "3",
        "RAPPORT_URL": "http://127.0.0.1:1",
    }
    said = await Suite(tmp_path / "none", 1, told).verb("doctor", "--json")

    assert said.code == 1, said.err
    faults = [finding for finding in said.json if finding["state"] != "ok"]
    assert all(finding["fix"] for finding in faults)
    assert {"settings", "master key", "database keyring", "broker", "service console"} <= {
        finding["subject"] for finding in faults
    }
    assert any("did you mean RAPPORT_CONTACTS_POOL_SIZE" in finding["what"] for finding in faults)


async def test_no_suite_is_a_wrong_call(tmp_path: Path) -> None:
    said = await Suite(tmp_path / "none", 1, {}).verb("doctor", "--data", str(tmp_path / "none"))
    assert (said.code, said.out) == (2, "")
    assert "no suite was set up" in said.err
