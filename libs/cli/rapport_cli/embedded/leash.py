"""
Tie a server to the process that starts it, let go of root, and become that server.

It is a script of its own, `python -I -S leash.py PARENT SIGNAL USER PATHS -- COMMAND…`, and no `preexec_fn`:
code between fork and exec in a process with threads can deadlock.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_NO_SETUID_FIXUP = 4
_SETPCAP = 8
_CAPABILITY_VERSION_3 = 0x20080522
# CAP_DAC_READ_SEARCH and CAP_DAC_OVERRIDE: containers often have the second alone.
_WAYS_IN = (2, 1)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def main(arguments: list[str]) -> None:
    """Become the command; never returns."""
    split = arguments.index("--")
    parent, signal, user, *paths = arguments[:split]
    command = arguments[split + 1 :]
    if user != "-":
        _become(int(user), [*paths, command[0]])
    if sys.platform == "linux":
        # After the change of user, which would clear it again.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("the process that started this server is already gone")
    os.execv(command[0], command)  # noqa: S606 - the launcher's own words, and no shell


def _become(user: int, paths: list[str]) -> None:
    """
    Take an unprivileged user, who may still pass through folders of root on the way to `paths`.

    PostgreSQL refuses to run as root, but its programs and data often lie under a home folder that is closed to all
    others. One capability, to search and read, opens the way; writing stays as forbidden as it is to that user.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    can_reach = all(os.access(path, os.R_OK | os.X_OK) for path in paths)
    if sys.platform == "linux":
        if can_reach:
            _hold(libc, 0)
        else:
            can_reach = any(_open(libc, way, paths) for way in _WAYS_IN)
    if not can_reach:
        sys.exit(f"user {user} cannot reach {' or '.join(paths)}: start as another user than root, or move them")


def _open(libc: ctypes.CDLL, way: int, paths: list[str]) -> bool:
    """Keep one capability for this user and the programs that it runs; says whether that suffices."""
    _hold(libc, 1 << way, 1 << _SETPCAP)
    # initdb looks for its programs by access(), which forgets all capabilities of such a user, unless told so.
    told = libc.prctl(_PR_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0) == 0
    raised = libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, way, 0, 0) == 0
    suffices = told and raised and all(os.access(path, os.R_OK | os.X_OK) for path in paths)
    if suffices:
        _hold(libc, 1 << way)
    return suffices


def _hold(libc: ctypes.CDLL, handed_on: int, for_now: int = 0) -> None:
    """Reduce the capabilities of this process; while one is for now, those that may be tried next stay permitted."""
    header = _Header(_CAPABILITY_VERSION_3, 0)
    sets = (_Sets * 2)()
    libc.capget(ctypes.byref(header), sets)
    tried = sum(1 << way for way in _WAYS_IN) if for_now else 0
    permitted = sets[0].permitted & (handed_on | for_now | tried)
    effective = permitted & (handed_on | for_now)
    sets = (_Sets * 2)(_Sets(effective, permitted, effective & handed_on), _Sets(0, 0, 0))
    libc.capset(ctypes.byref(header), sets)


if __name__ == "__main__":
    main(sys.argv[1:])
