"""How often a broker is asked: often while facts come, seldom while it is quiet."""

import time
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

QUIET_AFTER_SECONDS: Final = 2.0
QUIET_FETCH_WAIT_MILLISECONDS: Final = 200
QUIET_POLL_MILLISECONDS: Final = 50


class Pace:
    """
    Sets how long a consumer's requests wait for records.

    The embedded broker looks for records in steps of that wait: short ones make facts visible soon, and kept a third of
    a processor busy (measured, four services) while nothing happened.
    """

    def __init__(
        self,
        subscriber: Any,  # noqa: ANN401  # FastStream exports no class for it
        *,
        fetch_wait_milliseconds: int,
        poll_milliseconds: int,
    ) -> None:
        self._subscriber = subscriber
        self._lively = (fetch_wait_milliseconds, poll_milliseconds)
        self._heard_at = time.monotonic()
        self.is_quiet = False

    def hear(self) -> None:
        """Note that records came."""
        self._heard_at = time.monotonic()
        if self.is_quiet:
            self._set(is_quiet=False)

    def look(self) -> None:
        """Slow down where nothing has come for a while."""
        if not self.is_quiet and time.monotonic() - self._heard_at > QUIET_AFTER_SECONDS:
            self._set(is_quiet=True)

    def _set(self, *, is_quiet: bool) -> None:
        wait, poll = self._lively
        if is_quiet:
            wait, poll = max(wait, QUIET_FETCH_WAIT_MILLISECONDS), max(poll, QUIET_POLL_MILLISECONDS)
        consumer: AIOKafkaConsumer = self._subscriber.consumer
        consumer._fetcher._fetch_max_wait_ms = wait  # type: ignore[attr-defined]  # noqa: SLF001  # there is no other way
        self._subscriber.batch_timeout_ms = poll
        self.is_quiet = is_quiet
