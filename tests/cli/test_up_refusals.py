"""What cannot be started is refused with the reason, before anything runs."""

import socket
from pathlib import Path

import pytest

from rapport_cli.launching.home import Home, HomeRefused, Suite as Remembered
from rapport_cli.launching.keys import MASTER_KEY, make_keys, password_of
from rapport_cli.launching.ports import BROKER, POSTGRES
from tests.cli.suites import Suite, free_base


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """Return a suite that was never started."""
    return Suite(tmp_path / "data", free_base())


def made(suite: Suite) -> Home:
    """Make its data folder as a first start does."""
    home = suite.home
    home.make()
    make_keys(home)
    home.remember(Remembered(port_base=suite.base))
    return home


@pytest.mark.parametrize(("offset", "part"), [(1, "contacts"), (9, BROKER), (10, POSTGRES)])
async def test_a_port_that_is_taken_is_named_with_what_to_do(suite: Suite, offset: int, part: str) -> None:
    with socket.create_server(("127.0.0.1", suite.base + offset)):
        said = await suite.up()
    assert said.code == 2
    assert f"port {suite.base + offset} ({part})" in said.err
    assert "--port-base" in said.err


async def test_a_folder_that_holds_something_else_stays_untouched(suite: Suite) -> None:
    suite.folder.mkdir()
    (suite.folder / "thesis.txt").touch()
    said = await suite.up()
    assert (said.code, [each.name for each in suite.folder.iterdir()]) == (2, ["thesis.txt"])
    assert "--data" in said.err


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--postgres", "postgresql://ann:secret@localhost/postgres", "PGPASSWORD"),
        ("--postgres", "localhost:5432", "postgresql://"),
        ("--kafka", "localhost", "host:port"),
        ("--services", "contacts,contatcs", "contatcs"),
        ("--port-base", "80", "--port-base"),
    ],
)
async def test_what_cannot_be_meant_is_refused(suite: Suite, option: str, value: str, reason: str) -> None:
    said = await suite.up(option, value)
    assert (said.code, said.out) == (2, "")
    assert reason in said.err
    assert "secret" not in said.err


async def test_a_folder_in_use_is_refused_without_detach(suite: Suite) -> None:
    with made(suite).lock():
        said = await suite.verb("up", "--data", str(suite.folder))
    assert said.code == 2
    assert "a launcher works in" in said.err


def test_a_key_is_never_made_anew_beside_data_that_needs_it(suite: Suite) -> None:
    home = made(suite)
    (home.secrets / MASTER_KEY).unlink()
    with pytest.raises(HomeRefused, match=MASTER_KEY):
        make_keys(home)


def test_keys_and_passwords_stay_the_same(suite: Suite) -> None:
    home = made(suite)
    before = {path.name: path.read_bytes() for path in home.secrets.iterdir()}
    password = password_of(home, "rapport_contacts_app")
    make_keys(home)
    assert {path.name: path.read_bytes() for path in home.secrets.iterdir()} == before
    assert password_of(home, "rapport_contacts_app") == password != password_of(home, "rapport_contacts_keeper")


async def test_without_a_suite_there_is_no_token(suite: Suite) -> None:
    said = await suite.verb("token", "--tenant", "acme", "--data", str(suite.folder))
    assert (said.code, said.out) == (2, "")
    assert "rapport up" in said.err
