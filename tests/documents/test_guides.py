"""Code blocks in guides are the code that runs: files in `examples`, or commands that exist."""

import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
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
