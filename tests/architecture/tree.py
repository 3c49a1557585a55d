"""Where things lie in the project, for the rules that look at its files."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Package:
    """One member of the workspace and its import package."""

    member: Path
    path: Path

    @property
    def is_service(self) -> bool:
        """Whether it is a service, and so made of slices."""
        return self.member.parent.name == "services"


def packages(root: Path) -> list[Package]:
    """Return all members that have an import package."""
    found = sorted([*root.glob("libs/*/rapport_*"), *root.glob("services/*/rapport_*")])
    return [Package(path.parent, path) for path in found if path.is_dir()]


def python_files(folder: Path) -> list[Path]:
    """Return the Python files that say something."""
    return sorted(path for path in folder.rglob("*.py") if path.stat().st_size)


def sources(root: Path) -> list[Path]:
    """Return what people read to know how the suite works: Python and SQL of all members."""
    found = [path for package in packages(root) for path in package.path.rglob("*") if path.suffix in {".py", ".sql"}]
    return sorted(path for path in found if path.stat().st_size)


def lines(path: Path) -> int:
    """Count the lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def classes(path: Path) -> Iterator[ast.ClassDef]:
    """Yield the classes of a Python file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            yield node


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the functions of a Python file by name, with their lengths in lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def plant(root: Path, path: str, text: str) -> Path:
    """Write a file into a project made up for a test."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file
