"""Show on stderr how far an import is: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bar, TaskID

LINE_SECONDS: Final = 10.0
DRAW_SECONDS: Final = 0.2


@dataclass(slots=True)
class _Stage:
    name: str
    total: int
    began: float
    unit: str


class Progress:
    """Progress of one job in stages. Nothing is shown when it is silent."""

    def __init__(self, *, is_silent: bool) -> None:
        self._is_silent = is_silent
        self._stage: _Stage | None = None
        self._shown = 0.0
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Begin to show."""
        if not self._is_silent and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
            )
            self._bar = self._stack.enter_context(Progress(*columns, console=Console(stderr=True), transient=True))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self._stack.close()

    def begin(self, name: str, total: int, unit: str) -> None:
        """Begin a stage of so many units."""
        self._stage = _Stage(name, max(total, 1), time.monotonic(), unit)
        self._shown = time.monotonic()
        if self._bar is not None:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(name, total=max(total, 1), rate="")

    def at(self, done: int, more: str = "") -> None:
        """Say how far the stage is; cheap enough for every thousandth row."""
        now = time.monotonic()
        pause = DRAW_SECONDS if self._bar is not None else LINE_SECONDS
        stage = self._stage
        if stage is None or self._is_silent or now - self._shown < pause:
            return
        self._shown = now
        rate = done / max(now - stage.began, 1e-9)
        text = f"{rate:,.0f} {stage.unit}/s{more}"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, rate=text)
            return
        left = (stage.total - done) / rate if rate else 0.0
        sys.stderr.write(f"{stage.name}: {100 * done / stage.total:.0f} %, {text}, {left:,.0f} s left\n")
        sys.stderr.flush()
