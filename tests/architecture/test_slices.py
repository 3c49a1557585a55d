"""A service's README is the map of its slices: complete, and with nothing on it that is not there."""

import re
from pathlib import Path

from tests.architecture.tree import ROOT, packages, plant

_ROLES = ("commands", "views", "reactions", "derivations")
_MENTION = re.compile(rf"(?:{'|'.join(_ROLES)})/([a-z0-9_]+)\.py")


def faults(root: Path) -> list[str]:
    """Say which slices a README does not name, and which it names in vain."""
    found: list[str] = []
    for package in packages(root):
        if not package.is_service:
            continue
        slices = {
            path.stem for role in _ROLES for path in (package.path / role).glob("*.py") if path.stem != "__init__"
        }
        readme = package.member / "README.md"
        text = readme.read_text(encoding="utf-8") if readme.exists() else ""
        found += [
            f"{readme.relative_to(root)} does not name {name}"
            for name in sorted(slices)
            if not re.search(rf"\b{name}\b", text)
        ]
        found += [
            f"{readme.relative_to(root)} names {name}, which is not there"
            for name in sorted(set(_MENTION.findall(text)) - slices)
        ]
    return found


def test_every_slice_is_in_its_services_readme() -> None:
    """What is on no map is found by nobody, and soon built a second time."""
    assert faults(ROOT) == []


def test_the_rule_sees_slices_that_are_on_no_map(tmp_path: Path) -> None:
    service = "services/contacts"
    plant(tmp_path, f"{service}/README.md", "`create_customer`, `commands/link_identity.py`")
    plant(tmp_path, f"{service}/rapport_contacts/commands/create_customer.py", "x = 1\n")
    plant(tmp_path, f"{service}/rapport_contacts/views/directory.py", "x = 1\n")
    plant(tmp_path, "services/workflow/rapport_workflow/views/tasks.py", "x = 1\n")
    assert len(faults(tmp_path)) == 3
