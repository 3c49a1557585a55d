"""The secrets of a suite in containers: one file each, made once, and the same at every later call."""

from collections.abc import Sequence
from typing import Final

from rapport_cli.launching.databases import KEYRING, KEYRING_LOGINS, SERVICE_LOGINS, Server
from rapport_cli.launching.home import Home, write_closed
from rapport_cli.launching.installed import Installed
from rapport_cli.launching.keys import JWKS, MASTER_KEY, SIGNING_KEY, make_keys, password_of

POSTGRES: Final = "postgres"
GRAFANA: Final = "grafana"
_MAIL: Final = "smtp_password"
_MODE: Final = 0o444
"""Containers get single files of a folder that nobody else may enter, and the users in them have other numbers."""


def make_container_secrets(home: Home, services: Sequence[Installed], *, postgres: str, keyring: str) -> list[str]:
    """
    Write what is missing and what follows from it; nothing that is there changes, unless the servers moved.

    Args:
        postgres: Host and port of the server with the services' databases.
        keyring: Host and port of the keyring's server.

    Returns:
        Names of the files that containers may be given.
    """
    home.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.secrets.chmod(0o700)
    make_keys(home)
    texts = {f"{GRAFANA}_password": password_of(home, GRAFANA)}
    for name, place in ((POSTGRES, postgres), (KEYRING, keyring)):
        texts[f"{name}_password"] = password_of(home, name)
        texts[f"{name}_admin"] = f"postgresql://postgres:{texts[f'{name}_password']}@{place}/postgres"
    owners = [service.name for service in services if service.owns_ledger]
    logins = [(name, login, texts[f"{POSTGRES}_admin"]) for name in owners for login in SERVICE_LOGINS]
    logins += [(KEYRING, login, texts[f"{KEYRING}_admin"]) for login in KEYRING_LOGINS]
    for name, login, admin in logins:
        texts[f"{name}_{login}"] = Server(admin).login(name, login, password_of(home, f"rapport_{name}_{login}"))
    for name, text in texts.items():
        write_closed(home.secrets / name, text + "\n")
    if not (home.secrets / _MAIL).exists():
        write_closed(home.secrets / _MAIL, "")  # only whoever runs the mail server knows it
    names = sorted([*texts, MASTER_KEY, SIGNING_KEY, JWKS, _MAIL])
    for name in names:
        (home.secrets / name).chmod(_MODE)
    return names
