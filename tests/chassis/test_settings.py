"""Settings: what is missing, doubled or misspelt is named, and nothing starts."""

import os
from pathlib import Path

import pytest

from rapport_chassis.settings import (
    Broker,
    Edge,
    Keys,
    Peers,
    Process,
    SettingsRefused,
    Store,
    Tokens,
    key_bytes,
    read,
    refuse_unknown,
)

KEY = "00112233445566778899aabbccddeeff" * 2


@pytest.fixture(autouse=True)
def _only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RAPPORT_")]:
        monkeypatch.delenv(name)


def test_a_missing_value_is_named() -> None:
    with pytest.raises(SettingsRefused) as refused:
        read(Broker)

    assert refused.value.faults == ("RAPPORT_KAFKA is missing: host:port of the Kafka broker",)


def test_all_missing_values_of_a_group_are_named_at_once() -> None:
    with pytest.raises(SettingsRefused) as refused:
        read(Store, "contacts")

    assert [fault.partition(" ")[0] for fault in refused.value.faults] == [
        "RAPPORT_CONTACTS_APP",
        "RAPPORT_CONTACTS_KEEPER",
    ]
    assert "RAPPORT_CONTACTS_APP_FILE" in refused.value.faults[0]


def test_an_empty_value_is_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_KAFKA", "")

    with pytest.raises(SettingsRefused, match="RAPPORT_KAFKA is missing"):
        read(Broker)


@pytest.mark.parametrize("value", ["localhost", "localhost:", ":9092", "localhost:kafka", "a:1,b"])
def test_a_value_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("RAPPORT_KAFKA", value)

    with pytest.raises(SettingsRefused, match="RAPPORT_KAFKA cannot be used: must be host:port"):
        read(Broker)


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n", encoding="utf-8")
    monkeypatch.setenv("RAPPORT_MASTER_KEY_FILE", str(file))
    monkeypatch.setenv("RAPPORT_KEYRING", "postgresql://k")

    keys = read(Keys)

    assert key_bytes(keys.master_key) == bytes.fromhex(KEY)
    assert KEY not in repr(keys)


def test_a_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAPPORT_MASTER_KEY", KEY)
    monkeypatch.setenv("RAPPORT_MASTER_KEY_FILE", str(tmp_path / "key"))

    with pytest.raises(SettingsRefused, match="RAPPORT_MASTER_KEY and RAPPORT_MASTER_KEY_FILE are both set"):
        read(Keys)


def test_a_file_that_is_not_there_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAPPORT_MASTER_KEY_FILE", str(tmp_path / "none"))

    with pytest.raises(SettingsRefused, match="RAPPORT_MASTER_KEY_FILE"):
        read(Keys)


@pytest.mark.parametrize("value", ["short", KEY[:-2], KEY + "00", "zz" * 32, "ümlaut"])
def test_a_key_of_another_length_or_alphabet_is_refused_unquoted(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("RAPPORT_KEYRING", "postgresql://k")
    monkeypatch.setenv("RAPPORT_MASTER_KEY", value)

    with pytest.raises(SettingsRefused, match="RAPPORT_MASTER_KEY cannot be used: must be 32 bytes") as refused:
        read(Keys)
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [KEY, KEY.upper(), "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=", "ABEiM0RVZneImaq7zN3u_wARIjNEVWZ3iJmqu8zd7v8"],
)
def test_a_key_is_hexadecimal_or_base64(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("RAPPORT_KEYRING", "postgresql://k")
    monkeypatch.setenv("RAPPORT_MASTER_KEY", text)

    assert key_bytes(read(Keys).master_key) == bytes.fromhex(KEY)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("RAPPORT_KAFKAA", "RAPPORT_KAFKA"),
        ("RAPPORT_CONTACT_APP", "RAPPORT_CONTACTS_APP"),
        ("RAPPORT_MASTERKEY_FILE", "RAPPORT_MASTER_KEY_FILE"),
        ("RAPPORT_KAFKA_FILE", "RAPPORT_KAFKA"),
    ],
)
def test_an_unknown_name_is_refused_and_the_nearest_named(
    monkeypatch: pytest.MonkeyPatch, name: str, near: str
) -> None:
    monkeypatch.setenv(name, "x")

    with pytest.raises(SettingsRefused) as refused:
        refuse_unknown(())

    assert refused.value.faults == (f"{name} is not a setting; did you mean {near}?",)


def test_names_of_other_services_and_of_tests_are_no_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAPPORT_WORKFLOW_APP", "RAPPORT_ANALYTICS_URL", "RAPPORT_TEST_DATA", "RAPPORT_CONSOLE_PORT"):
        monkeypatch.setenv(name, "x")

    refuse_unknown(())


def test_what_a_service_declares_besides_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_CONSOLE_THEME", "dark")

    refuse_unknown({"RAPPORT_CONSOLE_THEME"})
    with pytest.raises(SettingsRefused, match="RAPPORT_CONSOLE_THEME"):
        refuse_unknown(())


def test_peers_are_found_where_the_suite_puts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_WORKFLOW_URL", "https://workflow.internal/")

    peers = read(Peers)

    assert peers.url_of("contacts") == "http://127.0.0.1:7701"
    assert peers.url_of("workflow") == "https://workflow.internal"


def test_everything_else_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_ISSUER", "me")

    assert read(Process).log_level == "info"
    assert read(Tokens).audience == "rapport"
    assert read(Edge, "contacts").host == "127.0.0.1"
