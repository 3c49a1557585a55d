"""What the suite is made of: members of one version, and libraries of the versions that it asks for."""

import platform
from collections.abc import Mapping
from importlib.metadata import distributions
from typing import Final

from rapport_cli.doctor.case import Case, Finding

_SUBJECT: Final = "versions"
_OURS: Final = "rapport-"


async def check(_: Case) -> list[Finding]:
    """Look at what is installed."""
    found = {each.name: each.version for each in distributions() if each.name.startswith(_OURS)}
    return [judge(found, platform.python_version())]


def judge(members: Mapping[str, str], python: str) -> Finding:
    """Members of different versions were never tested together."""
    versions = sorted(set(members.values()))
    if len(versions) == 1:
        return Finding("ok", _SUBJECT, f"Rapport {versions[0]}, Python {python}")
    parts = ", ".join(f"{name} {version}" for name, version in sorted(members.items()))
    return Finding("fail", _SUBJECT, f"members of different versions: {parts}", "install all of them from one release")
