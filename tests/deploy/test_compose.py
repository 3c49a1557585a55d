"""docker-compose.yml starts the whole suite, shows nothing but the console, and trusts no container."""

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest

from rapport_chassis.service import find_names, find_services
from rapport_chassis.settings import Broker, Keys, Process, SettingsRefused, Store, Tokens, read, refuse_unknown
from rapport_cli.launching.container_secrets import make_container_secrets
from rapport_cli.launching.home import Home
from rapport_cli.launching.installed import find_installed
from tests.architecture.tree import ROOT
from tests.deploy import compose

_SERVICES = find_names()
_OWNERS = [name for name in _SERVICES if name != "console"]
_LOOPBACK = re.compile(r"127\.0\.0\.1:\d+:\d+")
_PINNED = re.compile(r"[^:]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?")


def test_it_is_a_compose_file() -> None:
    validator = jsonschema_rs.validator_for(compose.schema())
    assert [error.message for error in validator.iter_errors(compose.read())] == []


def test_every_service_of_the_suite_has_a_container_that_is_checked() -> None:
    found = compose.services()
    for name in _SERVICES:
        assert found[name]["build"]["args"] == {"SERVICE": name}
        assert found[name]["healthcheck"]["test"][:3] == ["CMD", "python", "-m"]


def test_only_the_console_is_published_and_on_this_machine() -> None:
    published = {name: each.get("ports", []) for name, each in compose.services().items() if each.get("ports")}
    assert {name for name in published if "profiles" not in compose.services()[name]} == {"console"}
    assert all(_LOOPBACK.fullmatch(port) for ports in published.values() for port in ports)


def test_databases_and_broker_have_no_way_out() -> None:
    found = compose.read()
    assert found["networks"]["data"] == {"internal": True}
    assert all(found["services"][name]["networks"] == ["data"] for name in ("postgres", "keyring", "kafka"))
    assert found["services"]["console"]["networks"] == ["front"]


@pytest.mark.parametrize("name", sorted(compose.services()))
def test_a_container_may_do_nothing_that_it_need_not(name: str) -> None:
    container = compose.services()[name]
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    # Kafka writes its configuration beside its programs.
    assert container.get("read_only", False) is (name != "kafka")
    assert not {"privileged", "cap_add", "pid", "ipc", "devices"} & set(container)
    assert container.get("user") not in {"root", "0"}


def test_what_is_set_up_comes_before_what_needs_it() -> None:
    found = compose.services()
    done, healthy = "service_completed_successfully", "service_healthy"
    assert found["migrate"]["depends_on"] == {name: {"condition": healthy} for name in ("postgres", "keyring")}
    assert found["topics"]["depends_on"] == {"kafka": {"condition": healthy}, "migrate": {"condition": done}}
    for name in _OWNERS:
        assert found[name]["depends_on"] == {"migrate": {"condition": done}, "topics": {"condition": done}}
    assert found["console"]["depends_on"] == {name: {"condition": healthy} for name in sorted(_OWNERS)}


def test_images_of_others_are_pinned_to_a_release() -> None:
    foreign = [each["image"] for each in compose.services().values() if not each["image"].startswith("rapport-")]
    assert [image for image in foreign if not _PINNED.fullmatch(image)] == []


def test_every_secret_is_a_file_that_is_made(tmp_path: Path) -> None:
    home = Home(tmp_path)
    made = make_container_secrets(home, find_installed(), postgres="postgres:5432", keyring="keyring:5432")
    found = compose.read()
    given = {secret for each in found["services"].values() for secret in each.get("secrets", [])}

    assert set(found["secrets"]) == given == set(made)
    assert {each["file"] for each in found["secrets"].values()} == {f"./deploy/secrets/{name}" for name in made}
    for name, container in found["services"].items():
        files = {value for value in container.get("environment", {}).values() if str(value).startswith("/run/secrets/")}
        assert {Path(each).name for each in files} <= set(container.get("secrets", [])), name


def test_secrets_are_made_once_in_a_folder_that_is_closed(tmp_path: Path) -> None:
    home = Home(tmp_path / "deploy")

    def make() -> dict[str, str]:
        names = make_container_secrets(home, find_installed(), postgres="postgres:5432", keyring="keyring:5432")
        return {name: (home.secrets / name).read_text(encoding="utf-8") for name in names}

    first, again = make(), make()

    assert first == again
    assert home.secrets.stat().st_mode & 0o777 == 0o700
    assert (home.secrets / "password_seed").stat().st_mode & 0o777 == 0o600
    assert first["contacts_app"].startswith("postgresql://rapport_contacts_app:")
    assert first["contacts_app"].endswith("@postgres:5432/rapport_contacts\n")
    assert first["keyring_app"].endswith("@keyring:5432/rapport_keyring\n")
    assert json.loads(first["jwks.json"])["keys"][0].get("d") is None


@pytest.mark.parametrize("name", _SERVICES)
def test_a_service_finds_all_its_settings_and_no_other(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    make_container_secrets(home, find_installed(), postgres="postgres:5432", keyring="keyring:5432")
    for variable, value in compose.services()[name]["environment"].items():
        monkeypatch.setenv(variable, str(value).replace("/run/secrets/", f"{home.secrets}/"))
    (service,) = find_services([name])

    faults: list[str] = []
    shared = (Process, Tokens, *((Broker, Keys) if service.owns_ledger else ()))
    for group in shared:
        read(group)
    for group in ((Store,) if service.owns_ledger else ()) + service.settings:
        read(group, name)
    try:
        refuse_unknown(set(), {name, *_SERVICES})
    except SettingsRefused as refused:
        faults += refused.faults
    assert faults == []


def test_every_variable_stands_in_the_example_with_its_default() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    given = dict(line.split("=", 1) for line in example.splitlines() if line and not line.startswith("#"))
    text = compose.FILE.read_text(encoding="utf-8")
    assert {found["name"]: found["value"] for found in compose.VARIABLE.finditer(text)} == given
