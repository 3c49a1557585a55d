"""Every way to say no has one code: programs test it, people look it up, and it leads to one class."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from tests.architecture.tree import ROOT, classes, packages, plant, python_files

_ROOTS = {"Refusal"}
_CODE = re.compile(r"[a-z]+(_[a-z]+)*")


def faults(root: Path) -> list[str]:
    """Say which refusals have no code of their own, or no sentence."""
    found: list[str] = []
    holders: dict[str, list[str]] = defaultdict(list)
    for path, node in _refusals(root):
        place = f"{path.relative_to(root)}: {node.name}"
        code = _code(node)
        if code is None or not _CODE.fullmatch(code):
            found.append(f"{place} has no code in snake_case")
        else:
            holders[code].append(place)
        if not ast.get_docstring(node):
            found.append(f"{place} has no sentence for the caller")
    found += [f"{code} stands for {' and '.join(places)}" for code, places in holders.items() if len(places) > 1]
    return found


def _refusals(root: Path) -> list[tuple[Path, ast.ClassDef]]:
    """Return every class that derives from `Refusal`, however far; families included, `Refusal` itself not."""
    everything = [
        (path, node) for package in packages(root) for path in python_files(package.path) for node in classes(path)
    ]
    names = set(_ROOTS)
    while True:
        derived = {node.name for _, node in everything if names & _bases(node)}
        if derived <= names:
            return [(path, node) for path, node in everything if names & _bases(node)]
        names |= derived


def _bases(node: ast.ClassDef) -> set[str]:
    return {base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases}


def _code(node: ast.ClassDef) -> str | None:
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str() as code)):
                return code
            case ast.AnnAssign(target=ast.Name(id="code"), value=ast.Constant(value=str() as code)):
                return code
            case _:
                continue
    return None


def test_every_refusal_has_a_code_of_its_own() -> None:
    """Two refusals under one code cannot be told apart by who gets them."""
    assert faults(ROOT) == []


def test_the_rule_sees_codes_that_are_missing_or_shared(tmp_path: Path) -> None:
    plant(tmp_path, "libs/events/rapport_events/errors.py", _FAMILIES)
    plant(tmp_path, "services/contacts/rapport_contacts/errors.py", _TWINS)
    plant(tmp_path, "services/workflow/rapport_workflow/errors.py", _NAMELESS)
    assert len(faults(tmp_path)) == 3


_FAMILIES = '''
class Refusal(Exception):
    """No."""

class Missing(Refusal):
    """It is not there."""
    code = "missing"
'''
_TWINS = '''
class CustomerNotFound(Missing):
    """There is no such customer."""
    code = "not_found"

class CardNotFound(CustomerNotFound):
    """There is no such card."""
    code = "not_found"
'''
_NAMELESS = """
class TaskNotFound(errors.Missing):
    pass
"""
