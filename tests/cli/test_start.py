"""The command line starts fast, because a verb imports nothing that it does not need."""

import os
import subprocess

import pytest

from tests.cli.suites import command, environment

_HEAVY = (
    "aiokafka",
    "asyncpg",
    "cryptography",
    "fastapi",
    "faststream",
    "httpx",
    "joserfc",
    "pydantic",
    "rich",
    "structlog",
)
_SECONDS = 0.3
_TRIES = 3
_LOOK = """
import sys
from rapport_cli.main import app
try:
    app({arguments!r})
except SystemExit:
    pass
print(*sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["up", "--help"], ["import", "--help"], ["demo", "load", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = [command()[0], "-c", _LOOK.format(arguments=arguments, heavy=_HEAVY)]
    done = subprocess.run(  # noqa: S603 - our own words
        program, capture_output=True, check=True, env=environment(), text=True, timeout=60
    )
    assert "Usage" in done.stdout
    assert done.stderr.split() == []


def test_help_takes_less_than_300_ms_of_a_processor() -> None:
    """Processor time, the best of three, because a wall clock also tells how busy the machine is."""

    def cost() -> float:
        before = os.times()
        subprocess.run(  # noqa: S603 - our own words
            command("--help"), capture_output=True, check=True, env=environment(), timeout=60
        )
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(cost() for _ in range(_TRIES)) < _SECONDS
