"""Code blocks in guides are the code that runs: files in `examples`, or commands that exist."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer

from rapport_cli.main import app
from tests.architecture.tree import ROOT

_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "guides").glob("*.md"))]
_EXAMPLES = {"python": "*.py", "ts": "*.ts"}


def blocks(page: Path, *languages: str) -> list[str]:
    return [
        found["text"] for found in _BLOCK.finditer(page.read_text(encoding="utf-8")) if found["language"] in languages
    ]


@pytest.mark.parametrize("language", _EXAMPLES)
def test_a_subscriber_in_a_guide_is_one_of_the_examples(language: str) -> None:
    """`tests/system/test_strangers.py` runs these."""
    examples = [path.read_text(encoding="utf-8") for path in (ROOT / "examples").glob(_EXAMPLES[language])]
    shown = [block for page in (ROOT / "docs" / "guides").glob("*.md") for block in blocks(page, language)]
    assert shown
    assert [block for block in shown if not any(block in example for example in examples)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_in_a_page_is_one_that_there_is(page: Path) -> None:
    lines = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    called = [words for line in lines if (words := words_of(line))]

    assert [" ".join(words) for words in called if fault_of(words)] == []


def test_a_command_that_there_is_not_is_seen() -> None:
    assert words_of("export X=$(.venv/bin/rapport token --tenant acme)  # a token") == ["token", "--tenant", "acme"]
    assert [fault_of(words.split()) is not None for words in ("token --tenant acme", "tokens", "token --tenat a")] == [
        False,
        True,
        True,
    ]


def words_of(line: str) -> list[str]:
    """Return what stands behind `rapport` in a line of a shell."""
    found = re.search(r"(?:^|[\s/(])rapport\s+([^|)]*)", line)
    return shlex.split(found[1], comments=True) if found else []


def fault_of(words: Sequence[str]) -> str | None:
    """Say what in a call of `rapport` is not there."""
    command, names = typer.main.get_command(app), list(words)
    while commands := getattr(command, "commands", None):
        name = names.pop(0) if names else ""
        if name not in commands:
            return f"there is no verb {name}"
        command = commands[name]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return next((word for word in names if word.startswith("--") and word.partition("=")[0] not in options), None)
