"""Exit codes of the command line."""

from typing import Final

DONE: Final = 0
LEFT_OVER: Final = 1
"""It was done, but not all is well: rows were rejected, or figures differ."""
MISUSED: Final = 2
"""What was given cannot be used: a wrong option, mapping or file."""
AWAY: Final = 3
"""The suite cannot be reached or does not answer; the same call later continues."""
NOT_ALLOWED: Final = 4
"""There is no token, or it is not good for this."""
STOPPED: Final = 130
"""Stopped by Ctrl-C; the same call continues."""
