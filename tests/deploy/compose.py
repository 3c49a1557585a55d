"""docker-compose.yml as the tests of this folder read it."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.architecture.tree import ROOT

FILE: Final = ROOT / "docker-compose.yml"
SCHEMA: Final = Path(__file__).with_name("compose-spec.json")
VARIABLE: Final = re.compile(r"\$\{(?P<name>\w+):?-(?P<value>[^}]*)\}")

Part = dict[str, Any]


@cache
def read() -> Part:
    """Return the file with anchors and merges carried out, and every variable at its default."""
    text = VARIABLE.sub(lambda found: found["value"], FILE.read_text(encoding="utf-8"))
    found: Part = yaml.safe_load(text)
    return found


def services() -> dict[str, Part]:
    """Return the containers by name."""
    found: dict[str, Part] = read()["services"]
    return found


def schema() -> Part:
    """Return the compose specification as docker-compose 1.29 carries it: the oldest that the file is for."""
    found: Part = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return found
