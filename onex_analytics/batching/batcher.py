"""The live batcher: many threads add events, one thread of its own exports them batch by batch."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, TypeVar

from onex_analytics.batching.backlog import Backlog, Batch, BatchCounts
from onex_analytics.batching.clocks import NS_PER_MS, Clock, MonotonicClock, time_of
from onex_analytics.batching.deciding import BY_CLOSE, BY_FLUSH, FULL, NO_LIMIT
from onex_analytics.batching.event_sizes import json_bytes
from onex_analytics.batching.losses import Losses, OnDropped
from onex_analytics.batching.policies import BatchPolicy, Oversize, WhenFull, policy_of
from onex_analytics.exceptions import InvalidOption

E = TypeVar("E")
_AT_EXIT_S = 30.0
_log = logging.getLogger(__name__)


class EventBatcher(Generic[E]):
    """Gathers events and gives them to an exporter batch by batch, in their order, from a thread of its own.

    Any number of threads may add. A batch goes when it is full, and when its first event is old enough, even where no
    other comes. Every event ends up exported, dropped with a reason, or pending: see `counts`. What is pending when the
    program ends is exported then; `close` does it sooner.

    Args:
        max_size, max_age_ms, max_bytes, queue_limit, when_full, oversize: the policy, see `BatchPolicy`; or a whole
            one as the first argument.
        exporter: called with a list of events, in the batcher's thread. Where it raises, the batch is tried again.
            Without one, batches wait until `take` fetches them, and no thread is needed.
        measure: bytes of an event; asked only where the policy has `max_bytes`.
        retries: how often a batch is tried again before its events are dropped ("failed").
        retry_after_ms: how long to wait before the first of these; twice as long before each one more. Nothing is
            waited for once the batcher is being closed.
        on_dropped: told of events that will not be exported, with the reason (a word of `backlog.DROP_REASONS`) and
            the error; else the first of each kind is logged.
        clock: where it has the time from.

    Raises:
        InvalidOption: the numbers make no policy, or stand beside a whole one.

    >>> batches = []
    >>> with EventBatcher(max_size=2, exporter=batches.append) as batcher:
    ...     for event in "abc":
    ...         _ = batcher.add_event(event)
    >>> batches
    [['a', 'b'], ['c']]
    >>> batcher.counts().exported
    3
    """

    def __init__(
        self, max_size: int | BatchPolicy = 100, max_age_ms: float = 1000, *,
        exporter: Callable[[list[E]], object] | None = None, max_bytes: int | None = None,
        queue_limit: int | None = None, when_full: WhenFull = "block", oversize: Oversize = "refuse",
        measure: Callable[[Any], int] = json_bytes, retries: int = 2, retry_after_ms: float = 100,
        on_dropped: OnDropped | None = None, clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self.policy = policy_of(
            max_size, max_age_ms=max_age_ms, max_bytes=max_bytes, queue_limit=queue_limit, when_full=when_full,
            oversize=oversize,
        )  # fmt: skip
        if retries < 0 or retry_after_ms < 0:
            raise InvalidOption("retries, retry_after_ms", (retries, retry_after_ms), "none below 0")
        if exporter is None and self.policy.queue_limit is not None and self.policy.when_full == "block":
            wanted = "drop_newest or drop_oldest, as without an exporter nobody makes room"
            raise InvalidOption("when_full", "block", wanted)
        self._exporter = exporter
        self._measure = measure if self.policy.max_bytes is not None else None
        self._retries, self._retry_after = retries, round(retry_after_ms * NS_PER_MS)
        self._losses = Losses(on_dropped)
        self._clock: Clock = clock if clock is not None else MonotonicClock()
        self._begin()
        self._clock.wake(self._time_has_changed)
        if exporter is not None:
            _LIVE.add(self)

    def _begin(self) -> None:
        """Nothing held, no thread; also the state of a process that was just forked: its parent exports the rest."""
        self._lock = threading.RLock()
        self._work = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._gone = threading.Condition(self._lock)
        self._time = time_of(self._clock)
        self._backlog: Backlog[E] = Backlog(self.policy)
        self._worker: threading.Thread | None = None
        self._idle, self._wakes_at = self._exporter is not None, NO_LIMIT
        self._closing = False
        self._blocked = 0

    # ------------------------------------------------------------------ in

    def add_event(self, event: E) -> bool:
        """Take an event in; whether it was. Where not, it was counted, and `on_dropped` told why.

        Waits only where the queue is full and the policy says `block`.
        """
        size = 0
        if self._measure is not None:
            try:
                size = self._measure(event)
            except Exception as error:
                with self._lock:
                    self._backlog.refuse(event, "unserialisable", error)
                    lost = self._backlog.told()
                self._losses.tell(lost)
                return False
        backlog = self._backlog
        with self._lock:
            if self._closing:
                backlog.refuse(event, "closed")
                found = FULL
            else:
                found = backlog.offer(event, size, self._time())
                if found == FULL:
                    found = self._waited(event, size)
            if self._idle and (
                backlog.ready or (len(backlog.open) == 1 and backlog.opened + backlog.max_age < self._wakes_at)
            ):
                self._wake()
            losses = backlog.told() if backlog.lost else ()
        if losses:
            self._losses.tell(losses)
        return found >= 0

    def _waited(self, event: E, size: int) -> int:
        """The queue is full: the event is dropped, or waits for room, where it is not the exporter's thread itself."""
        backlog = self._backlog
        if self._worker is None:
            self._wake()
        if self.policy.when_full != "block" or self._worker in (None, threading.current_thread()):
            backlog.refuse(event, "full")
            return FULL
        self._blocked += 1
        try:
            found = FULL
            while found == FULL:
                self._room.wait()
                found = backlog.offer(event, size, self._time())
            return found
        finally:
            self._blocked -= 1
            if self._closing:
                self._work.notify()

    # ------------------------------------------------------------------ out

    def flush(self, timeout_s: float | None = None) -> bool:
        """Export all that was added before, without waiting for a batch to be full or old.

        Returns:
            Whether all of it is out, or was dropped, within the time; None waits for as long as it takes. Called by
            the exporter itself it cannot wait, and returns False.
        """
        with self._lock:
            self._backlog.close_open(BY_FLUSH, self._time())
            if self._exporter is None:
                return True
            target = self._backlog.closed_batches
            self._wake()
            worker = self._worker
        if worker is None:
            self._export_here()
        elif worker is threading.current_thread():
            return False
        with self._lock:
            return self._gone.wait_for(lambda: self._backlog.gone_batches >= target, timeout_s)

    def close(self, timeout_s: float | None = None) -> BatchCounts:
        """Export what is pending and end the thread; later events are refused ("closed"). May be called again.

        Returns:
            What became of all events. Where the time was not enough, some are still pending: this is logged, and they
            are exported for as long as the program runs.
        """
        with self._lock:
            self._closing = True
            self._backlog.close_open(BY_CLOSE, self._time())
            worker = self._worker
            self._work.notify_all()
        if worker is None and self._exporter is not None:
            self._export_here()
        elif worker is not None and worker is not threading.current_thread():
            worker.join(timeout_s)
        found = self.counts()
        if found.pending and self._exporter is not None and worker is not threading.current_thread():
            _log.warning("%d events are still pending after %s s of closing", found.pending, timeout_s)
        return found

    def take(self) -> list[E]:
        """The oldest closed batch, [] where there is none: for a batcher without an exporter. It counts as exported."""
        if self._exporter is not None:
            raise InvalidOption("take", "a batcher with an exporter", "one without")
        with self._lock:
            self._backlog.age(self._time())
            batch = self._backlog.take()
            if batch is None:
                return []
            self._backlog.exported(batch)
            return batch.events

    def counts(self) -> BatchCounts:
        """What became of the events so far: `added` = `exported` + `dropped` + `pending`, at any moment."""
        with self._lock:
            return self._backlog.counts()

    def __enter__(self) -> EventBatcher[E]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ the thread

    def _wake(self) -> None:
        """The worker looks again; the first time, it begins. The lock is held."""
        self._idle = False
        if self._worker is not None or self._closing:
            self._work.notify()
            return
        worker = threading.Thread(target=self._export_all, name="onex-event-batcher", daemon=True)
        try:
            worker.start()
        except RuntimeError:  # the program is ending, or has as many threads as it may: `flush` and `close` export
            self._idle = True
        else:
            self._worker = worker

    def _time_has_changed(self) -> None:
        with self._lock:
            self._work.notify_all()

    def _export_all(self) -> None:
        while (batch := self._next()) is not None:
            self._export(batch)

    def _export_here(self) -> None:
        """There is no thread to do it."""
        while True:
            with self._lock:
                batch = self._backlog.take()
            if batch is None:
                return
            self._export(batch)

    def _next(self) -> Batch[E] | None:
        """The batch that is exported next, when there is one; None where none will ever be."""
        backlog = self._backlog
        with self._lock:
            while True:
                now = self._time()
                if self._closing:
                    backlog.close_open(BY_CLOSE, now)
                left = backlog.age(now)
                batch = backlog.take()
                if batch is not None:
                    if self._blocked:
                        self._room.notify_all()
                    return batch
                if self._closing and not self._blocked:
                    return None
                self._idle, self._wakes_at = True, NO_LIMIT if left is None else now + left
                self._work.wait(None if left is None else self._clock.seconds(left))
                self._idle = False

    def _export(self, batch: Batch[E]) -> None:
        assert self._exporter is not None
        backlog = self._backlog
        for attempt in range(self._retries + 1):
            try:
                self._exporter(list(batch.events))
            except BaseException as error:  # a thread that ends would leave all that comes after it pending for ever
                with self._lock:
                    backlog.failures += 1
                    if attempt < self._retries and isinstance(error, Exception):
                        self._pause(self._retry_after << attempt)
                        continue
                    backlog.failed(batch, error)
            else:
                with self._lock:
                    backlog.exported(batch)
            break
        with self._lock:
            lost = backlog.told()
            self._gone.notify_all()
        self._losses.tell(lost)

    def _pause(self, nanoseconds: int) -> None:
        until = self._time() + nanoseconds
        while not self._closing and (left := until - self._time()) > 0:
            self._work.wait(self._clock.seconds(left))


_LIVE: weakref.WeakSet[EventBatcher[Any]] = weakref.WeakSet()
"""Those that have an exporter."""


@atexit.register
def _close_all() -> None:
    """What is pending when the program ends is exported."""
    for batcher in tuple(_LIVE):
        batcher.close(_AT_EXIT_S)


def _begin_all() -> None:
    """In a process that was just forked."""
    for batcher in tuple(_LIVE):
        batcher._begin()
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None:  # its processes end without `atexit`, by finalizers that they forget when they begin
        util.register_after_fork(_close_all, lambda close: util.Finalize(None, close, exitpriority=0))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_all)
