"""Pages on their way to one receiver: in order, tried again, in a thread of its own, so that nobody waits for them."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable

from onex_analytics.alerting.notification.pages import Page

PageReceiver = Callable[[Page], object]
"""Whatever can be called with a page. What it raises means that the page was not taken."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0


class NotTaken(Exception):
    """The receiver could not take it now; it is tried again."""


class Refused(Exception):
    """The receiver will never take it."""


class Delivery:
    """Hands pages to one receiver, one after the other, as long as the program runs.

    Between attempts it pauses, half a second at first and twice as long each time, up to a minute. Pages wait in
    order; where more than `most_waiting` wait, the oldest is dropped and counted: one that a newer page of the same
    group makes out of date, if there is one.

    Args:
        name: the receiver's, for messages.
        receiver: is called in the thread of the delivery.
        taken: is called with each page that is done with, be it taken, refused or dropped.
        attempts: give a page up after so many; None for never. A webhook comes back, a bug in a callable does not.
        most_waiting: pages.
        failed: is told of each problem, in words.
    """

    def __init__(
        self,
        name: str,
        receiver: PageReceiver,
        *,
        taken: Callable[[Page], object] = lambda page: None,
        attempts: int | None = None,
        most_waiting: int = 10_000,
        first_pause_s: float = FIRST_PAUSE_S,
        failed: Callable[[str], object] = lambda problem: None,
    ) -> None:
        self.name = name
        self.counts: Counter[str] = Counter(dict.fromkeys(("taken", "failed_attempts", "refused", "dropped"), 0))
        self._receiver, self._taken, self._failed = receiver, taken, failed
        self._attempts, self._most, self._first_pause_s = attempts, most_waiting, first_pause_s
        self._waiting: deque[Page] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """Pages that are not done with."""
        with self._changed:
            return len(self._waiting)

    def put(self, page: Page) -> None:
        """Have a page delivered; returns at once."""
        dropped = None
        with self._changed:
            self._waiting.append(page)
            if len(self._waiting) > self._most:
                dropped = self._drop()
            if self._thread is None:
                # of the kind that does not keep the program alive: what was not sent waits in the checkpoint
                self._thread = threading.Thread(target=self._run, name=f"pages to {self.name}", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        if dropped is not None:
            self._done(dropped, "dropped")
            self._failed(f"receiver {self.name}: more than {self._most} pages wait; dropped {dropped.page_id}")

    def _drop(self) -> Page:
        """Of all but the first, which may be on its way, the oldest that is out of date, else the oldest."""
        waiting = list(self._waiting)
        newer = {page.group_key: number for number, page in enumerate(waiting)}
        place = next((i for i in range(1, len(waiting)) if newer[waiting[i].group_key] > i), 1)
        dropped = waiting[place]
        del self._waiting[place]
        return dropped

    def drain(self, timeout_s: float) -> bool:
        """Wait until no page waits; False where some still do when the time is over."""
        end = time.monotonic() + timeout_s
        with self._changed:
            while self._waiting and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
            return not self._waiting

    def close(self, timeout_s: float = 0.0) -> None:
        """Begin no further attempt; wait for the one that runs, at most so long. What waits stays undelivered."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        tries, pause_s = 0, self._first_pause_s
        while (page := self._next()) is not None:
            try:
                self._receiver(page)
                outcome = "taken"
            except Refused as problem:
                outcome = "refused"
                self._failed(f"receiver {self.name} refused a page: {problem}")
            except Exception as problem:  # a receiver may be anybody's function: it must not end the thread
                tries += 1
                self.counts["failed_attempts"] += 1
                self._failed(f"receiver {self.name}: {str(problem) or type(problem).__name__}")
                if self._attempts is None or tries < self._attempts:
                    self._pause(pause_s)
                    pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                    continue
                outcome = "refused"
            tries, pause_s = 0, self._first_pause_s
            self._done(page, outcome)
            with self._changed:
                self._waiting.popleft()
                self._changed.notify_all()

    def _next(self) -> Page | None:
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            return None if self._closing else self._waiting[0]

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._changed:
            while not self._closing and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)

    def _done(self, page: Page, outcome: str) -> None:
        self.counts[outcome] += 1
        self._taken(page)
