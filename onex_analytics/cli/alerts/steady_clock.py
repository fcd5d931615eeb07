"""The time of this machine for moving an engine's clock: never ahead of the wall clock, and unmoved by its jumps."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

TRUSTED_AFTER_S = 3600.0
"""A wall clock that was set forward is believed when it has stayed so for this long."""


def seconds_since_boot() -> float:
    """Goes on while the machine sleeps, and nobody can set it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SteadyClock:
    """Tells the time of the wall clock, unless that jumps forward.

    An engine whose clock is moved too far takes every true event for late. So a jump forward is followed only after an
    hour; one backward at once, since then the engine's clock merely waits.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady: Callable[[], float] = seconds_since_boot,
    ) -> None:
        self._wall, self._steady = wall, steady
        self._anchor, self._anchored_s = wall(), steady()
        self._ahead_since_s: float | None = None

    def now(self) -> datetime:
        """The time."""
        wall, steady_s = self._wall(), self._steady()
        reckoned = self._anchor + timedelta(seconds=steady_s - self._anchored_s)
        if wall <= reckoned + timedelta(seconds=1):
            self._ahead_since_s = None
            if wall < reckoned:
                self._anchor, self._anchored_s = wall, steady_s
            return min(wall, reckoned)
        if self._ahead_since_s is None:
            self._ahead_since_s = steady_s
        if steady_s - self._ahead_since_s >= TRUSTED_AFTER_S:
            self._anchor, self._anchored_s, self._ahead_since_s = wall, steady_s, None
            return wall
        return reckoned
