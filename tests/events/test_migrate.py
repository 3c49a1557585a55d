"""Databases and roles are made once, and changes are applied once, in order."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

from rapport_events.database import Connection
from rapport_events.migrate import MigrationInvalid, migrate, prepare, prepare_database
from tests.databases import Databases, ServiceDatabase

Write = Callable[[str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "changes").mkdir()
    return tmp_path / "changes"


@pytest.fixture
def write(folder: Path) -> Write:
    def write(name: str, text: str) -> None:
        (folder / name).write_text(text, encoding="utf-8")

    return write


@pytest.fixture
async def admin(databases: Databases) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(databases.admin_dsn)
    yield connection
    await connection.close()


async def test_changes_are_applied_once_in_order(service: ServiceDatabase, folder: Path, write: Write) -> None:
    write("0002_second.sql", "-- migrate:up\nALTER TABLE things ADD COLUMN size integer;")
    write("0001_first.sql", "-- migrate:up\nCREATE TABLE things (id integer);\n-- migrate:down\nDROP TABLE things;")

    first = await migrate(service.admin, "events", [folder])
    second = await migrate(service.admin, "events", [folder])
    write("0003_third.sql", "-- migrate:up\nINSERT INTO things VALUES (1, 2);")
    third = await migrate(service.admin, "events", [folder])

    assert first == ["changes/0001_first.sql", "changes/0002_second.sql"]
    assert (second, third) == ([], ["changes/0003_third.sql"])
    assert await _value(service.admin, "SELECT tableowner FROM pg_tables WHERE tablename = 'things'") == (
        "rapport_events_owner"
    )


async def test_a_change_that_fails_leaves_nothing_and_can_be_repeated(
    service: ServiceDatabase, folder: Path, write: Write
) -> None:
    write("0001_first.sql", "-- migrate:up\nCREATE TABLE things (id integer);\nSELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(service.admin, "events", [folder])

    write("0001_first.sql", "-- migrate:up\nCREATE TABLE things (id integer);")

    assert await migrate(service.admin, "events", [folder]) == ["changes/0001_first.sql"]


async def test_an_applied_change_must_not_be_edited(service: ServiceDatabase, folder: Path, write: Write) -> None:
    write("0001_first.sql", "-- migrate:up\nCREATE TABLE things (id integer);")
    await migrate(service.admin, "events", [folder])
    write("0001_first.sql", "-- migrate:up\nCREATE TABLE things (id bigint);")
    write("0002_second.sql", "-- migrate:up\nCREATE TABLE others (id integer);")

    with pytest.raises(MigrationInvalid, match="was changed after"):
        await migrate(service.admin, "events", [folder])
    assert await _value(service.admin, "SELECT to_regclass('others')") is None


@pytest.mark.parametrize(("name", "text"), [("0001_first.sql", "SELECT 1"), ("first.sql", "-- migrate:up\nSELECT 1")])
async def test_a_file_in_another_form_is_refused(
    service: ServiceDatabase, folder: Path, write: Write, name: str, text: str
) -> None:
    write(name, text)

    with pytest.raises(MigrationInvalid, match="is not"):
        await migrate(service.admin, "events", [folder])


async def test_several_who_migrate_at_once_take_turns(service: ServiceDatabase, folder: Path, write: Write) -> None:
    for number in range(5):
        write(f"000{number}_table.sql", f"-- migrate:up\nCREATE TABLE table_{number} (id integer);")

    applied = await asyncio.gather(*(migrate(service.admin, "events", [folder]) for _ in range(3)))

    assert sorted(len(names) for names in applied) == [0, 0, 5]


async def test_a_change_may_run_outside_a_transaction(service: ServiceDatabase, folder: Path, write: Write) -> None:
    write("0001_first.sql", "-- migrate:up\nCREATE TABLE things (id integer);")
    write("0002_index.sql", "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY by_id ON things (id);")

    await migrate(service.admin, "events", [folder])

    assert await _value(service.admin, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_id'::regclass") is True


async def test_extensions_and_the_services_name_are_put_in(
    service: ServiceDatabase, folder: Path, write: Write
) -> None:
    write("0001_first.sql", "-- migrate:up\nCREATE TABLE {service}_names (name text);\nSELECT similarity('a', 'b');")

    # Copies for tests belong to the superuser; a service's own database belongs to its owner.
    database = service.admin.rpartition("/")[2]
    await _value(service.admin, f"GRANT CREATE ON DATABASE {database} TO rapport_events_owner")

    await migrate(service.admin, "events", [folder], extensions=["pg_trgm", "btree_gin", "unaccent"])

    assert await _value(service.admin, "SELECT to_regclass('events_names') IS NOT NULL") is True
    assert await migrate(service.admin, "events", [folder], extensions=["pg_trgm"]) == []


async def test_preparing_again_changes_only_the_passwords(databases: Databases, admin: Connection) -> None:
    try:
        await prepare(admin, "prepared", app_password="first", keeper_password="it's")
        await prepare(admin, "prepared", app_password="second", keeper_password="it's")

        assert await _user(databases.dsn("rapport_prepared", user="rapport_prepared_app", password="second"))
        assert await _user(databases.dsn("rapport_prepared", user="rapport_prepared_keeper", password="it's"))
        with pytest.raises(asyncpg.InvalidPasswordError):
            await _user(databases.dsn("rapport_prepared", user="rapport_prepared_app", password="first"))
    finally:
        await _remove(admin, "prepared", "app", "keeper")


async def test_a_services_roles_reach_no_other_services_database(databases: Databases, admin: Connection) -> None:
    try:
        await prepare(admin, "one", app_password="p", keeper_password="p")
        await prepare_database(admin, "two", {"app": "p", "eraser": "p"})

        assert await _user(databases.dsn("rapport_two", user="rapport_two_eraser", password="p"))
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="CONNECT"):
            await _user(databases.dsn("rapport_two", user="rapport_one_keeper", password="p"))
    finally:
        await _remove(admin, "one", "app", "keeper")
        await _remove(admin, "two", "app", "eraser")


@pytest.mark.parametrize("name", ["", "Contacts", "a; DROP DATABASE postgres", "1st"])
async def test_a_service_has_a_plain_name(admin: Connection, name: str) -> None:
    with pytest.raises(ValueError, match="names of services"):
        await prepare_database(admin, name, {"app": "p"})


async def _user(dsn: str) -> object:
    return await _value(dsn, "SELECT current_user")


async def _value(dsn: str, statement: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def _remove(admin: Connection, name: str, *logins: str) -> None:
    await admin.execute(f"DROP DATABASE IF EXISTS rapport_{name} WITH (FORCE)")
    for login in (*logins, "owner"):
        await admin.execute(f"DROP ROLE IF EXISTS rapport_{name}_{login}")
