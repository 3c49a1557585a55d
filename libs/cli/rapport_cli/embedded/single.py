"""What every server of the launcher has in common: it runs at most once at a time, is watched, and is ended."""

from signal import SIGTERM, Signals
from typing import ClassVar

from rapport_cli.embedded.child import Child


class Single:
    """A server of which at most one process runs at a time."""

    stop_signal: ClassVar[Signals] = SIGTERM
    """By which it ends in order."""
    stop_seconds: ClassVar[float] = 30.0
    """What is not gone after so long is killed."""

    def __init__(self) -> None:
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """Process id; 0 when it does not run."""
        return self._child.pid if self._child else 0

    async def watch(self) -> None:
        """
        Wait as long as it runs; returns after `stop`.

        Raises:
            ServerFailed: It ended by itself.
        """
        child = self._child
        if child is None:
            return
        code = await child.wait()
        if self._child is child:
            raise child.failure(f"ended by itself with code {code}")

    async def stop(self) -> None:
        """End it in order; without effect when it does not run."""
        child, self._child = self._child, None
        if child:
            await child.end(self.stop_signal, seconds=self.stop_seconds)

    async def kill(self) -> None:
        """End it as a crash would."""
        child, self._child = self._child, None
        if child:
            await child.kill()
