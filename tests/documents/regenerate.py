"""
Write docs/api anew from the code: OpenAPI of what each service answers, AsyncAPI of what it publishes.

`python -m tests.documents.regenerate`, or `make docs`.
"""

from pathlib import Path

import orjson
from fastapi import FastAPI

from rapport_chassis import openapi
from rapport_chassis.http import include_routes
from rapport_chassis.service import Service, find_services
from rapport_events.contracts import asyncapi
from rapport_events.vocabulary import RELEASED
from tests.architecture.tree import ROOT

FOLDER = ROOT / "docs" / "api"
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SORT_KEYS


def documents() -> dict[Path, bytes]:
    """Return every document by its path."""
    made: dict[Path, bytes] = {}
    for name, events in RELEASED.published.items():
        if events:
            made[FOLDER / "asyncapi" / f"{name}.json"] = orjson.dumps(asyncapi.document(name), option=_OPTIONS)
    for service in find_services(built()):
        if service.owns_ledger:
            made[FOLDER / "openapi" / f"{service.name}.json"] = orjson.dumps(_openapi(service), option=_OPTIONS)
    return made


def built() -> list[str]:
    """Name the services that have an `app.py`."""
    return sorted(path.parent.name.removeprefix("rapport_") for path in ROOT.glob("services/*/rapport_*/app.py"))


def _openapi(service: Service) -> openapi.Schema:
    app = FastAPI()
    include_routes(app, service)
    return openapi.document(app, service)


def main() -> None:
    """Write what differs, and remove what belongs to nothing any more."""
    made = documents()
    for path in set(FOLDER.rglob("*.json")) - set(made):
        path.unlink()
    for path, content in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
