"""Where live batchers have the time from, and how they wait for it: the machine's clock, or one that a test drives."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

NS_PER_MS = 1_000_000


class Clock(Protocol):
    """What a live batcher asks of a clock."""

    @property
    def now(self) -> Callable[[], int]:
        """Tells nanoseconds since any moment. Where it goes back, the batcher counts on from where it was."""

    def seconds(self, nanoseconds: int) -> float | None:
        """How long to really wait for so much time to pass; None where somebody calls the wakers when it has."""

    def wake(self, waker: Callable[[], None]) -> None:
        """Have `waker` called whenever the time has changed by itself; does nothing where it does not."""


class MonotonicClock:
    """The machine's clock, which nobody can set.

    >>> clock = MonotonicClock()
    >>> clock.now() <= clock.now()
    True
    """

    now = staticmethod(time.monotonic_ns)

    def seconds(self, nanoseconds: int) -> float | None:
        """So long, at least nothing."""
        return max(nanoseconds, 0) / 1e9

    def wake(self, waker: Callable[[], None]) -> None:
        """Nothing: this clock needs nobody to be woken."""


class ManualClock:
    """A clock that stands still until it is told how far to go: batchers in tests age without anybody waiting.

    >>> clock = ManualClock()
    >>> clock.advance(1500)
    >>> clock.now() / NS_PER_MS
    1500.0
    """

    def __init__(self, now_ms: float = 0) -> None:
        self._now = round(now_ms * NS_PER_MS)
        self._wakers: list[Callable[[], None]] = []

    def now(self) -> int:
        """Nanoseconds since the clock's beginning."""
        return self._now

    def advance(self, ms: float) -> None:
        """Go so many milliseconds on (or back), and wake who waits."""
        self.set(self._now + round(ms * NS_PER_MS))

    def set(self, now_ns: int) -> None:
        """Go to a time, and wake who waits."""
        self._now = now_ns
        for waker in tuple(self._wakers):
            waker()

    def seconds(self, nanoseconds: int) -> float | None:
        """None: whoever waits is woken."""
        return None

    def wake(self, waker: Callable[[], None]) -> None:
        """Have `waker` called at each step."""
        self._wakers.append(waker)


class Onward:
    """A clock's time, which never runs backwards: where the clock goes back, time goes on from where it was.

    >>> clock = ManualClock(now_ms=100)
    >>> time = Onward(clock)
    >>> first = time()
    >>> clock.advance(-70)
    >>> clock.advance(5)
    >>> time() - first, time() - first  # had it been asked after the first step, it would be 5 ms
    (0, 0)
    """

    __slots__ = ("_behind", "_last", "_now")

    def __init__(self, clock: Clock) -> None:
        self._now = clock.now
        self._last = self._now()
        self._behind = 0

    def __call__(self) -> int:
        now = self._now() + self._behind
        if now < self._last:
            self._behind += self._last - now
            return self._last
        self._last = now
        return now


def time_of(clock: Clock) -> Callable[[], int]:
    """The clock's time, which never runs backwards."""
    return clock.now if isinstance(clock, MonotonicClock) else Onward(clock)
