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
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
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
        _become(int(user), paths)
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
    if sys.platform != "linux":
        return
    if can_reach:
        _keep(libc, 0)
    elif not any(_keep(libc, 1 << way) and _raise(libc, way) for way in _WAYS_IN):
        sys.exit(f"user {user} cannot reach {' or '.join(paths)}: start as another user than root, or move them")


def _keep(libc: ctypes.CDLL, capabilities: int) -> bool:
    header = _Header(_CAPABILITY_VERSION_3, 0)
    sets = (_Sets * 2)(_Sets(capabilities, capabilities, capabilities), _Sets(0, 0, 0))
    return bool(libc.capset(ctypes.byref(header), sets) == 0)


def _raise(libc: ctypes.CDLL, capability: int) -> bool:
    return bool(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0)


if __name__ == "__main__":
    main(sys.argv[1:])
