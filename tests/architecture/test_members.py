"""Members tell type checkers that they are typed, and no file knows a machine or a registry."""

import re
import subprocess
from pathlib import Path

from tests.architecture.tree import ROOT, packages, plant

_FOREIGN = {
    "a path of one machine": re.compile(r"(?<![\w./~-])/(?:root|home/[a-z]\w*|Users/\w+|work|workspace)/\w"),
    "a package registry": re.compile(
        r"https?://[^\s/\"']*(?:pypi|pythonhosted|npmjs|registry|artifactory|nexus|mirror)[^\s/\"']*/"
        r"|--(?:extra-)?index-url|--find-links|^registry *=",
        re.MULTILINE | re.IGNORECASE,
    ),
}
# These rules, and the commands that leave such options out.
_EXEMPT = {"tests/architecture/test_members.py"}
_LARGEST_BYTES = 2_000_000


def untyped(root: Path) -> list[str]:
    """Return the packages without `py.typed`."""
    found = [package.path for package in packages(root) if not (package.path / "py.typed").exists()]
    return [str(path.relative_to(root)) for path in found]


def foreign(root: Path, paths: list[str]) -> list[str]:
    """Say which files name a machine's path or a registry's host."""
    found: list[str] = []
    for path in paths:
        file = root / path
        if path in _EXEMPT or not file.is_file() or file.stat().st_size > _LARGEST_BYTES:
            continue
        text = file.read_bytes().decode(errors="ignore")
        found += [f"{path} names {what}" for what, pattern in _FOREIGN.items() if pattern.search(text)]
    return found


def committed(root: Path) -> list[str]:
    """Return the files that are in git or about to be."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - whichever git is there
        cwd=root,
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    return listing.stdout.splitlines()


def test_every_member_is_typed() -> None:
    """Without the marker, checkers take everything that comes from a member for Unknown, and see no fault."""
    assert packages(ROOT)
    assert untyped(ROOT) == []


def test_no_file_knows_a_machine_or_a_registry() -> None:
    """Whoever clones the project has other folders, and takes packages from where they are used to take them."""
    assert foreign(ROOT, committed(ROOT)) == []


def test_the_rules_see_what_is_untyped_and_foreign(tmp_path: Path) -> None:
    plant(tmp_path, "libs/events/rapport_events/__init__.py", "")
    plant(tmp_path, "a.txt", "see /home/ann/notes")
    plant(tmp_path, "b.lock", 'source = "https://pypi.example.org/simple"')
    plant(tmp_path, "c.txt", "--index-url here")
    plant(tmp_path, "d.md", "GET /v1/home/page, ./work/x, https://kafka.example.org/mirrors")
    assert untyped(tmp_path) == ["libs/events/rapport_events"]
    assert [fault.split()[0] for fault in foreign(tmp_path, ["a.txt", "b.lock", "c.txt", "d.md"])] == [
        "a.txt",
        "b.lock",
        "c.txt",
    ]
