"""SQL lies in files of one statement, each with a name, a sentence, and somebody who uses it."""

import re
from pathlib import Path

from tests.architecture.tree import ROOT, Package, packages, plant, python_files

_HEADER = re.compile(r"-- (?P<name>[a-z0-9_]+): \S.*[.?]")
_MIGRATION = re.compile(r"\d{4}_[a-z0-9_]+")
_COMMENT = re.compile(r"--.*$", re.MULTILINE)
_TEXT = re.compile(r"'(?:[^']|'')*'")


def faults(root: Path) -> list[str]:
    """Say which statements have no header, are no single statement, or serve nobody; likewise migrations."""
    members = packages(root)
    code = "\n".join(path.read_text(encoding="utf-8") for member in members for path in python_files(member.path))
    found: list[str] = []
    for member in members:
        for path in sorted(member.path.glob("sql/**/*.sql")):
            found += [f"{path.relative_to(root)}: {what}" for what in _statement_faults(member, path, code)]
        for path in sorted(member.path.glob("migrations/**/*.sql")):
            found += [f"{path.relative_to(root)}: {what}" for what in _migration_faults(path)]
    return found


def _statement_faults(member: Package, path: Path, code: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    found: list[str] = []
    header = _HEADER.match(text)
    if header is None or header["name"] != path.stem:
        found.append(f"the first line is not `-- {path.stem}: a sentence.`")
    bare = _TEXT.sub("''", _COMMENT.sub("", text)).strip()
    if ";" in bare.removesuffix(";"):
        found.append("it holds more than one statement")
    name = path.relative_to(member.path / "sql").with_suffix("").as_posix()
    # A name may be put together: `f"keyring/{statement}"` with "destroy".
    if f'"{name}"' not in code and f'"{path.stem}"' not in code:
        found.append("nobody uses it")
    return found


def _migration_faults(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    found: list[str] = []
    if not _MIGRATION.fullmatch(path.stem):
        found.append("its name is not 0001_words")
    if "-- migrate:up" not in text:
        found.append("it has no line `-- migrate:up`")
    elif "SET LOCAL lock_timeout" not in text and "transaction:false" not in text:
        found.append("it may wait for a lock without end: SET LOCAL lock_timeout is missing")
    return found


def test_statements_have_headers_and_are_used() -> None:
    """A query that lies in a file can be read, tried and explained alone; one that nobody uses misleads."""
    assert faults(ROOT) == []


def test_the_rule_sees_statements_without_header_or_user(tmp_path: Path) -> None:
    package = "libs/events/rapport_events"
    plant(tmp_path, f"{package}/ledger.py", 'load("rapport_events", "ledger/state")\nload("x", "two")\n')
    plant(tmp_path, f"{package}/sql/ledger/state.sql", "-- state: era and heads; of all.\nSELECT ';'\n")
    plant(tmp_path, f"{package}/sql/two.sql", "-- other: A sentence.\nSELECT 1; SELECT 2;\n")
    plant(tmp_path, f"{package}/sql/unused.sql", "-- unused: A sentence.\nSELECT 1;\n")
    plant(tmp_path, f"{package}/migrations/ledger/first.sql", "SELECT 1;\n")
    plant(tmp_path, f"{package}/migrations/ledger/0001_one.sql", "-- migrate:up\nCREATE TABLE one ();\n")
    assert len(faults(tmp_path)) == 6
