"""How much room is left where the data folder is."""

import shutil
from typing import Final

from rapport_cli.doctor.case import Case, Finding, State

_GIB: Final = 1024**3
_FREE_BYTES_LOW: Final = 5 * _GIB
_FREE_BYTES_MIN: Final = _GIB
_FIX: Final = "make room: a database that cannot write takes no facts"


async def check(case: Case) -> list[Finding]:
    """Look at the file system; that of a server elsewhere cannot be seen from here."""
    if case.folder is None:
        return []
    return [judge(shutil.disk_usage(case.folder).free)]


def judge(free: int) -> Finding:
    """Say what to think of so many free bytes."""
    state: State = "fail" if free < _FREE_BYTES_MIN else "warn" if free < _FREE_BYTES_LOW else "ok"
    return Finding(state, "disk", f"{free / _GIB:,.1f} GiB free", "" if state == "ok" else _FIX)
