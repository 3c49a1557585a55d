"""Databases and topics for set-ups other than our own: everything comes from the settings that services read too."""

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rapport_cli.launching.databases import KEYRING, Server, era_of, set_up_databases
from rapport_cli.launching.environment import PREFIX, topic_prefix
from rapport_cli.launching.home import Home, HomeRefused
from rapport_cli.launching.installed import find_installed
from rapport_cli.launching.keys import password_of
from rapport_cli.launching.order import read_database
from rapport_cli.launching.ports import BROKER, HOST, OFFSETS
from rapport_events.envelope import topic_of
from rapport_events.kafka import apply_topics

_ERASER = "rapport_keyring_eraser"


class SettingMissing(Exception):
    """A setting is not there, or not of the agreed form; the message names it."""


async def apply_all_topics(kafka: str, names: Sequence[str]) -> list[str]:
    """
    Make the topics of installed services, each in its ledger's era; return their names.

    Raises:
        NotInstalled, WrongPartitions, KafkaError, OSError
    """
    topics: list[str] = []
    for service in find_installed(names):
        if service.owns_ledger:
            address = setting(f"{PREFIX}{service.name.upper()}_APP")
            topics.append(topic_of(service.name, await era_of(address) if address else 1, topic_prefix()))
    await apply_topics(kafka, topics)
    return topics


def find_servers(postgres: str | None) -> tuple[Server, Server]:
    """
    Find the servers of the services' databases and of the keyring, as somebody who may make databases there.

    Args:
        postgres: What was given in the call, without a password; None: the settings tell.

    Raises:
        OrderRefused, SettingMissing
    """
    if postgres is not None:
        server = Server(read_database(postgres))
        return server, server
    admin = setting(f"{PREFIX}ADMIN")
    if admin is None:
        raise SettingMissing("where is the server? give --postgres, or RAPPORT_ADMIN with the password in it")
    return Server(admin), Server(setting(f"{PREFIX}KEYRING_ADMIN") or admin)


async def migrate_all(server: Server, keyring: Server, names: Sequence[str], home: Home) -> list[str]:
    """
    Bring the databases of the keyring and of installed services up to date; return what was applied.

    Raises:
        NotInstalled, SettingMissing, MigrationInvalid, OSError; asyncpg's errors.
    """
    return await set_up_databases(server, find_installed(names), passwords(home), keyring=keyring)


def passwords(home: Home) -> Callable[[str], str]:
    """Tell the password of a role: that in the address which its service is given, or that of the data folder."""

    def of(role: str) -> str:
        _, service, login = role.split("_")
        variable = PREFIX + (service if service == KEYRING else f"{service}_{login}").upper()
        if role == _ERASER:
            variable = f"{PREFIX}KEYRING_ERASER"
        address = setting(variable)
        if address is not None:
            return _password(variable, address, role)
        if home.is_made:
            return password_of(home, role)
        if role == _ERASER:
            # Nobody erases here yet; whoever shall, gets a password by giving this setting.
            return secrets.token_urlsafe(32)
        raise SettingMissing(f"{variable} is missing: postgresql://{role}:PASSWORD@HOST/rapport_{service}")

    return of


def _password(variable: str, address: str, role: str) -> str:
    parts = urlsplit(address)
    if parts.username != role or parts.password is None:
        raise SettingMissing(f"{variable} must be for the role {role}, with its password")
    return unquote(parts.password)


def keeper_of(service: str, folder: Path) -> str:
    """
    Return the address of a service's database as its keeper: what the service itself is given, or the data folder's.

    Raises:
        SettingMissing: There is neither.
    """
    variable = f"{PREFIX}{service.upper()}_KEEPER"
    if (address := setting(variable)) is not None:
        return address
    kept = Home(folder).secrets / f"{service}_keeper"
    try:
        return kept.read_text(encoding="ascii").strip()
    except OSError as error:
        raise SettingMissing(f"{variable} is missing, and {kept} cannot be read: where is the ledger?") from error


def broker_of(given: str | None, folder: Path) -> str:
    """
    Return the address of the broker: the one that was given, or the data folder's.

    Raises:
        SettingMissing: There is neither.
    """
    if given is not None:
        return given
    try:
        suite = Home(folder).suite
    except HomeRefused as error:
        raise SettingMissing("where is the broker? give --kafka or RAPPORT_KAFKA") from error
    return suite.kafka or f"{HOST}:{suite.port_base + OFFSETS[BROKER]}"


def setting(name: str) -> str | None:
    """Return a setting, which may also come from the file that `<NAME>_FILE` names."""
    if value := os.environ.get(name):
        return value
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingMissing(f"{name}_FILE names a file that cannot be read") from error
