"""`docs/proof.md` names tests and code that there are, and all bugs that are planted."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.architecture.tree import ROOT, plant
from tests.faults.planted import PLANTED
from tests.simulation.planted import PLANTED as SIMULATED

_PAGE = Path("docs/proof.md")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)(?:\[[^`]*\])?`")
_PATH = re.compile(r"`((?:libs|services|tests)/[\w/]+(?:\.\w+)?)`")
_ROWS = 11


@cache
def _functions(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def faults(root: Path) -> list[str]:
    """Say what the page names and nobody has written."""
    page = (root / _PAGE).read_text(encoding="utf-8")
    found = [f"{path}: there is no such file" for path in _PATH.findall(page) if not (root / path).exists()]
    for path, name in _TEST.findall(page):
        if not (root / path).is_file() or name not in _functions(root / path):
            found.append(f"{path}::{name}: there is no such test")
    return found


def test_everything_that_the_page_names_is_there() -> None:
    assert faults(ROOT) == []


def test_every_row_and_every_planted_bug_has_its_tests() -> None:
    page = (ROOT / _PAGE).read_text(encoding="utf-8")
    rows = re.split(r"^### \d+\. ", page, flags=re.MULTILINE)[1:]

    assert len(rows) == _ROWS
    assert [row.splitlines()[0] for row in rows if not _TEST.search(row)] == []
    assert [bug.name for bug in PLANTED if f"| {bug.name} | {bug.change} | `{bug.caught_by}` |" not in page] == []


def test_every_bug_of_a_row_is_one_that_the_simulation_finds() -> None:
    page = (ROOT / _PAGE).read_text(encoding="utf-8")
    named = {name for line in re.findall(r"planted: (\*[^.]*)\.", page) for name in re.findall(r"\*([^*]+)\*", line)}

    assert named - SIMULATED.keys() == set()
    assert len(named) >= 8  # those of the list that it finds alone


def test_the_rule_sees_a_test_that_there_is_not(tmp_path: Path) -> None:
    plant(tmp_path, "docs/proof.md", "`tests/test_it.py::test_gone` `tests/test_it.py::test_here` `libs/gone.py`\n")
    plant(tmp_path, "tests/test_it.py", "def test_here(): ...\n")

    assert len(faults(tmp_path)) == 2
