"""Show people what a launcher does: on stderr, in colour on a terminal, as plain lines elsewhere."""

import json
import os
import sys
from contextlib import suppress
from typing import IO, Final, Protocol, cast

_GREEN: Final = "\x1b[32m"
_YELLOW: Final = "\x1b[33m"
_PLAIN: Final = "\x1b[0m"
_CLEAR_LINE: Final = "\r\x1b[2K"
_NAME_WIDTH: Final = 14


class Screen(Protocol):
    """Is told what happens."""

    def waiting(self, names: list[str]) -> None:
        """Say which parts are not ready yet."""
        ...

    def ready(self, name: str, seconds: float, more: str = "") -> None:
        """Say that a part became ready."""
        ...

    def note(self, text: str) -> None:
        """Say something that people should know."""
        ...


class Terminal:
    """A person's terminal, or a file that a person may read later."""

    def __init__(self, out: IO[str] | None = None) -> None:
        self._out = out or sys.stderr
        self._is_terminal = self._out.isatty()
        self._has_colour = self._is_terminal and not os.environ.get("NO_COLOR")

    def waiting(self, names: list[str]) -> None:
        """See `Screen.waiting`; shown on terminals only."""
        if self._is_terminal and names:
            self._out.write(f"{_CLEAR_LINE}  …  {', '.join(names)}")
            self._out.flush()

    def ready(self, name: str, seconds: float, more: str = "") -> None:
        """See `Screen.ready`."""
        mark = self._coloured("ready", _GREEN)
        self._line(f"  {mark}  {name:<{_NAME_WIDTH}} {seconds:5.1f} s  {more}".rstrip())

    def note(self, text: str) -> None:
        """See `Screen.note`."""
        self._line(self._coloured(text, _YELLOW))

    def _coloured(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._has_colour else text

    def _line(self, text: str) -> None:
        self._out.write(f"{_CLEAR_LINE if self._is_terminal else ''}{text}\n")
        self._out.flush()


class Pipe:
    """Tells another process, which shows it; when nobody listens any more, it goes to a screen of our own."""

    def __init__(self, descriptor: int, own: Screen) -> None:
        self._pipe: IO[str] | None = os.fdopen(descriptor, "w", encoding="utf-8")
        self._own = own

    def waiting(self, names: list[str]) -> None:
        """See `Screen.waiting`."""
        self._send({"said": "waiting", "names": ", ".join(names)})

    def ready(self, name: str, seconds: float, more: str = "") -> None:
        """See `Screen.ready`."""
        self._own.ready(name, seconds, more)
        self._send({"said": "ready", "name": name, "seconds": seconds, "more": more})

    def note(self, text: str) -> None:
        """See `Screen.note`."""
        self._own.note(text)
        self._send({"said": "note", "text": text})

    def finish(self, code: int) -> None:
        """Tell the other process how it ended (0: everything is up), and that nothing more will come."""
        self._send({"said": "finished", "code": code})
        if self._pipe is not None:
            with suppress(OSError):
                self._pipe.close()
            self._pipe = None

    def _send(self, said: dict[str, object]) -> None:
        if self._pipe is None:
            return
        try:
            self._pipe.write(json.dumps(said) + "\n")
            self._pipe.flush()
        except OSError:
            self._pipe = None


def show_from(pipe: IO[str], screen: Screen) -> int | None:
    """Show what comes through a pipe until it ends; return the code, None where the sender died without a word."""
    for line in pipe:
        match cast("object", json.loads(line)):
            case {"said": "waiting", "names": str(names)}:
                screen.waiting(names.split(", "))
            case {"said": "ready", "name": str(name), "seconds": float() | int() as seconds, "more": str(more)}:
                screen.ready(name, seconds, more)
            case {"said": "note", "text": str(text)}:
                screen.note(text)
            case {"said": "finished", "code": int(code)}:
                return code
            case _:
                pass
    return None
