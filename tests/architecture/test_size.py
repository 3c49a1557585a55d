"""Files and functions stay small, because what does not fit on a screen is not read as a whole."""

from pathlib import Path
from statistics import median, quantiles

from tests.architecture.tree import ROOT, functions, lines, packages, plant, python_files, sources

FILE_LINES_MAX = 400
FILE_LINES_P90 = 200
FILE_LINES_MEDIAN = 60
FUNCTION_LINES_MAX = 50
FUNCTION_LINES_P90 = 25
TEST_FILE_LINES_MAX = 500
_ENOUGH_TO_JUDGE = 20


def p90(values: list[int]) -> float:
    return quantiles(values, n=10)[-1]


def faults(root: Path) -> list[str]:
    """Say what is too long."""
    found = [
        f"{path.relative_to(root)} has {lines(path)} lines, {FILE_LINES_MAX} at most"
        for path in sources(root)
        if lines(path) > FILE_LINES_MAX
    ]
    for package in packages(root):
        for path in python_files(package.path):
            found += [
                f"{path.relative_to(root)}: {name} has {length} lines, {FUNCTION_LINES_MAX} at most"
                for name, length in functions(path)
                if length > FUNCTION_LINES_MAX
            ]
    found += [
        f"{path.relative_to(root)} has {lines(path)} lines, {TEST_FILE_LINES_MAX} at most"
        for path in python_files(root / "tests")
        if lines(path) > TEST_FILE_LINES_MAX
    ]
    return found


def test_no_file_and_no_function_is_too_long() -> None:
    """One that grew past the limit does two things, and each deserves its own name."""
    assert faults(ROOT) == []


def test_most_files_are_short() -> None:
    """A limit alone is soon filled up; most files of a codebase that teaches are far below it."""
    lengths = [lines(path) for path in sources(ROOT)]
    assert len(lengths) < _ENOUGH_TO_JUDGE or median(lengths) <= FILE_LINES_MEDIAN
    assert len(lengths) < _ENOUGH_TO_JUDGE or p90(lengths) <= FILE_LINES_P90


def test_most_functions_are_short() -> None:
    """A decision that needs more lines than this hides a second one."""
    lengths = [length for path in sources(ROOT) if path.suffix == ".py" for _, length in functions(path)]
    assert len(lengths) < _ENOUGH_TO_JUDGE or p90(lengths) <= FUNCTION_LINES_P90


def test_the_rule_sees_what_is_too_long(tmp_path: Path) -> None:
    long_function = "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX
    plant(tmp_path, "libs/events/rapport_events/long.py", long_function + "y = 1\n" * FILE_LINES_MAX)
    plant(tmp_path, "tests/test_long.py", "x = 1\n" * (TEST_FILE_LINES_MAX + 1))
    plant(tmp_path, "services/contacts/rapport_contacts/short.py", "x = 1\n")
    assert len(faults(tmp_path)) == 3
