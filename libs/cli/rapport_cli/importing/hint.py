"""A note of how far an import came, so that it need not send all again. It may be wrong: claims keep facts single."""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast
from uuid import UUID

from rapport_cli.launching.home import Home

KEPT_SECONDS: Final = 24 * 3600
AGAIN_MAX: Final = 10_000
"""Units to send again that a note can hold; with more of them it is not written."""


@dataclass(frozen=True, slots=True)
class LaneHint:
    """How far one lane came."""

    taken: int = 0
    again: frozenset[int] = field(default_factory=frozenset[int])


Hints = Mapping[str, LaneHint]


def folder(data: Path) -> Path:
    """Return where imports keep notes and error files: in the suite's data folder, or among the user's own state."""
    home = Home(data)
    if home.is_made:
        return home.folder / "imports"
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "rapport" / "imports"


def import_id(tenant: str, digest: str, mapping: str, version: int) -> UUID:
    """Name an import: the same file under the same mapping is the same import. The last byte is a ledger partition."""
    text = "\x1f".join(("import", tenant, digest, mapping, str(version)))
    raw = bytearray(hashlib.sha256(text.encode()).digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    raw[15] &= 0x1F
    return UUID(bytes=bytes(raw))


def read(path: Path, place: str) -> Hints:
    """Return the lanes of a note; none where there is no fresh note about this place."""
    try:
        if time.time() - path.stat().st_mtime > KEPT_SECONDS:
            return {}
        note = cast("dict[str, object]", json.loads(path.read_bytes()))
        if note["place"] != place:
            return {}
        lanes = cast("dict[str, dict[str, object]]", note["lanes"])
        return {
            name: LaneHint(int(cast("int", lane["taken"])), frozenset(cast("list[int]", lane["again"])))
            for name, lane in lanes.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write(path: Path, place: str, lanes: Hints) -> None:
    """Write a note; a crash leaves the old one or the new one."""
    if any(len(lane.again) > AGAIN_MAX for lane in lanes.values()):
        path.unlink(missing_ok=True)
        return
    note = {
        "place": place,
        "lanes": {name: {"taken": lane.taken, "again": sorted(lane.again)} for name, lane in lanes.items()},
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(note))
    fresh.chmod(0o600)
    fresh.replace(path)
