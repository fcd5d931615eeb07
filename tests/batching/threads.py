"""A batcher's thread at rest: tests that drive a clock by hand wait for it without looking at a watch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from onex_analytics.batching import EventBatcher, ManualClock


class SlowExporter:
    """Takes a batch's service time by a clock that is driven by hand, and notes when it began and ended."""

    def __init__(self, clock: ManualClock, takes: Callable[[list[int]], int]) -> None:
        self.clock, self.takes = clock, takes
        self.changed = threading.Condition()
        self.until: int | None = None
        self.told: list[tuple[tuple[int, ...], int, int]] = []
        clock.wake(self._wake)

    def _wake(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def __call__(self, events: list[int]) -> None:
        with self.changed:
            began = self.clock.now()
            self.until = began + self.takes(events)
            self.told.append((tuple(events), began, self.until))
            while self.clock.now() < self.until:
                self.changed.wait()
            self.until = None

    def at_rest(self) -> bool:
        with self.changed:
            return self.until is not None and self.until > self.clock.now()


def settle(batcher: EventBatcher[int], exporter: SlowExporter) -> None:
    """Until the thread waits for time to pass, or for events."""
    for _ in range(10**6):
        with batcher._lock:
            if batcher._idle and batcher._wakes_at > batcher._time() and not batcher._backlog.ready:
                return
        if exporter.at_rest():
            return
        time.sleep(1e-5)
    raise AssertionError("the batcher's thread never comes to rest")
