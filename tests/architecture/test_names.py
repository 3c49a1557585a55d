"""A file's name tells its role: `ls` is the map of what a service can do."""

import re
from pathlib import Path

from tests.architecture.tree import ROOT, Package, packages, plant, python_files

_WORD = r"[a-z][a-z0-9]*"
_COMMAND = re.compile(rf"{_WORD}(_{_WORD})+")
_VIEW = re.compile(rf"{_WORD}(_{_WORD})*")
_REACTION = re.compile(rf"when_{_WORD}(_{_WORD})*_then_{_WORD}(_{_WORD})*")
# Words that say nothing about what is inside, so that everything ends up inside.
_EMPTY_WORDS = {"util", "utils", "helper", "helpers", "manager", "managers", "common", "misc", "base_service"}


def faults(root: Path) -> list[str]:
    """Say which names break the grammar."""
    found: list[str] = []
    for package in packages(root):
        found += [
            f"{path.relative_to(root)}: the name says nothing"
            for path in python_files(package.path)
            if _EMPTY_WORDS & {path.stem, *path.stem.split("_")}
        ]
        if package.is_service:
            found += [f"{path.relative_to(root)}: {what}" for path, what in _slices(package)]
    return found


def _slices(package: Package) -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    for path in _modules(package.path / "commands"):
        if not _COMMAND.fullmatch(path.stem) or path.stem.startswith("when_"):
            found.append((path, "a command is named verb_noun"))
        elif not _names(path, _camel(path.stem)):
            found.append((path, f"the command's class is not {_camel(path.stem)}"))
    for path in _modules(package.path / "views"):
        if not _VIEW.fullmatch(path.stem) or path.stem.startswith("when_"):
            found.append((path, "a view is named by a noun"))
        elif not _names(path, _camel(path.stem)):
            found.append((path, f"the view's class is not {_camel(path.stem)}"))
    found += [
        (path, "a reaction is named when_<event>_then_<command>")
        for path in _modules(package.path / "reactions")
        if not _REACTION.fullmatch(path.stem)
    ]
    return found


def _modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if path.stem != "__init__")


def _camel(stem: str) -> str:
    return "".join(word.capitalize() for word in stem.split("_"))


def _names(path: Path, class_name: str) -> bool:
    """Say whether a file has or takes a class; the commands of an import are the same in several services."""
    return re.search(rf"\b{class_name}\b", path.read_text(encoding="utf-8")) is not None


def test_names_of_files_tell_their_roles() -> None:
    """Who asks what happens when a deal is won finds it by a search in file names."""
    assert faults(ROOT) == []


def test_the_rule_sees_names_that_lie(tmp_path: Path) -> None:
    service = "services/contacts/rapport_contacts"
    plant(tmp_path, f"{service}/commands/merging.py", "class Merging: ...\n")
    plant(tmp_path, f"{service}/commands/merge_customers.py", "class Merge: ...\n")
    plant(tmp_path, f"{service}/commands/create_customer.py", "class CreateCustomer: ...\n")
    plant(tmp_path, f"{service}/views/directory.py", "class Directory: ...\n")
    plant(tmp_path, f"{service}/views/cards.py", "class Card: ...\n")
    plant(tmp_path, f"{service}/reactions/merged.py", "x = 1\n")
    plant(tmp_path, f"{service}/reactions/when_customer_merged_then_close_tasks.py", "x = 1\n")
    plant(tmp_path, "libs/events/rapport_events/utils.py", "x = 1\n")
    assert len(faults(tmp_path)) == 5
