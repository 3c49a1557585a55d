"""The master key, and the keys of those who issue tokens."""

import stat
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from rapport_chassis.keysets import KeyAddress, KeyFile, KeysUnreachable, public_keys
from rapport_chassis.settings import key_bytes
from rapport_cli.doctor.case import Case, Finding

_MASTER: Final = "RAPPORT_MASTER_KEY"
_MOUNTED: Final = Path("/run/secrets")
"""Where containers find their secrets: what others may read there is decided by the one who mounts them."""


async def check(case: Case) -> list[Finding]:
    """Look at keys without using them."""
    return [_master_key(case), *[await _issuer(name, place) for name, place in _issuers(case)]]


def _master_key(case: Case) -> Finding:
    try:
        key_bytes(SecretStr(case.secret(_MASTER) or ""))
        path = case.settings.get(f"{_MASTER}_FILE")
        return judge_file(Path(path), Path(path).stat().st_mode) if path else judge_variable()
    except (OSError, ValueError) as error:
        fix = f"{_MASTER}_FILE names a file with 64 hexadecimal digits; without the right key no personal value opens"
        return Finding("fail", "master key", f"it cannot be read ({type(error).__name__})", fix)


def judge_variable() -> Finding:
    """A variable is seen by whoever may look at the process."""
    fix = f"put it into a file that only the services read, and name that in {_MASTER}_FILE"
    return Finding("warn", "master key", "it stands in the environment", fix)


def judge_file(path: Path, mode: int) -> Finding:
    """Whoever reads the file and the keyring can open every personal value."""
    others = stat.S_IMODE(mode) & 0o077
    if others and not path.is_relative_to(_MOUNTED):
        return Finding("fail", "master key", f"others may open {path}", f"`chmod 600 {path}`")
    return Finding("ok", "master key", "in a file of its own, 32 bytes")


def _issuers(case: Case) -> list[tuple[str, str]]:
    names = (case.settings.get("RAPPORT_ISSUER") or "").split()
    places = [*(case.settings.get("RAPPORT_JWKS_FILE") or "").split()]
    places += (case.settings.get("RAPPORT_JWKS_URL") or "").split()
    return list(zip(names, places, strict=False))  # the services say at their start if one is missing


async def _issuer(name: str, place: str) -> Finding:
    source = KeyAddress(place) if place.startswith(("http://", "https://")) else KeyFile(Path(place))
    subject = f"issuer {name}"
    try:
        count = len(public_keys(await source.fetch()))
    except KeysUnreachable:
        fix = "it must answer with a JWKS that has a P-256 signing key; until then its tokens are refused"
        return Finding("fail", subject, f"{place} gives no keys", fix)
    return Finding("ok", subject, f"{count} signing {'key' if count == 1 else 'keys'}")
