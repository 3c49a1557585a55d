"""Ask a process on this machine whether it is ready, and what it still waits for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Final, cast

from rapport_cli.launching.ports import HOST

_ANSWER_BYTES_MAX: Final = 262_144
_ASK_SECONDS: Final = 3
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Look:
    """What a process says of itself."""

    is_able: bool = False
    """Whether it answers requests."""
    is_whole: bool = False
    """Whether every part of it is at work."""
    parts: Mapping[str, str] = field(default_factory=dict[str, str])
    """State of each part, with the reason where it is not ready."""

    @property
    def waits_for(self) -> str:
        """Name the parts that are not ready."""
        return ", ".join(f"{name} {state}" for name, state in self.parts.items() if state != "ready") or "no answer"


def look_at(port: int, host: str = HOST) -> Look:
    """Ask `/ready`, on this machine where no other is named; whoever does not answer is not able."""
    connection = HTTPConnection(host, port, timeout=_ASK_SECONDS)
    try:
        connection.request("GET", "/ready")
        answer = connection.getresponse()
        body = cast("object", json.loads(answer.read(_ANSWER_BYTES_MAX)))
    except (OSError, HTTPException, ValueError):
        return Look()
    finally:
        connection.close()
    members = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    looks = cast("list[dict[str, object]]", members.get("services") or [members])
    is_whole = all(each.get("status") == "ready" for each in looks)
    parts = {name: state for each in looks for name, state in _parts(each).items()}
    return Look(is_able=answer.status == _OK, is_whole=is_whole, parts=parts)


def _parts(body: Mapping[str, object]) -> dict[str, str]:
    parts = cast("dict[str, dict[str, object]]", body.get("parts") or {})
    return {
        name: f"{part.get('state')}" + (f" ({part['why']})" if part.get("why") else "") for name, part in parts.items()
    }
