"""The live batcher for asyncio: coroutines add events, one task exports them batch by batch."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, TypeVar

from onex_analytics.batching.backlog import Backlog, Batch, BatchCounts
from onex_analytics.batching.clocks import NS_PER_MS, Clock, MonotonicClock, time_of
from onex_analytics.batching.deciding import BY_CLOSE, BY_FLUSH, FULL
from onex_analytics.batching.event_sizes import json_bytes
from onex_analytics.batching.losses import Losses, OnDropped
from onex_analytics.batching.policies import BatchPolicy, Oversize, WhenFull, policy_of
from onex_analytics.exceptions import InvalidOption

E = TypeVar("E")


class AsyncEventBatcher(Generic[E]):
    """`EventBatcher` for asyncio: the same decisions and the same counts. For one event loop.

    A producer that finds the queue full and the policy at `block` waits without holding up the loop. Where the loop
    ends before `close` was awaited, what is pending is dropped ("closed") and told of.

    Args:
        max_size, max_age_ms, max_bytes, queue_limit, when_full, oversize: the policy, see `BatchPolicy`; or a whole
            one as the first argument.
        exporter: called with a list of events; what it returns is awaited where that can be.
        measure, retries, retry_after_ms, on_dropped, clock: as `EventBatcher` has them.

    Raises:
        InvalidOption: the numbers make no policy, or stand beside a whole one.

    >>> async def main():
    ...     batches = []
    ...     async with AsyncEventBatcher(max_size=2, exporter=batches.append) as batcher:
    ...         for event in "abc":
    ...             await batcher.add_event(event)
    ...     return batches
    >>> asyncio.run(main())
    [['a', 'b'], ['c']]
    """

    def __init__(
        self, max_size: int | BatchPolicy = 100, max_age_ms: float = 1000, *,
        exporter: Callable[[list[E]], Awaitable[object] | object], max_bytes: int | None = None,
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
        self._exporter = exporter
        self._measure = measure if self.policy.max_bytes is not None else None
        self._retries, self._retry_after = retries, round(retry_after_ms * NS_PER_MS)
        self._losses = Losses(on_dropped)
        self._clock: Clock = clock if clock is not None else MonotonicClock()
        self._time = time_of(self._clock)
        self._backlog: Backlog[E] = Backlog(self.policy)
        self._worker: asyncio.Task[None] | None = None
        self._work, self._room, self._gone = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._closing = False
        self._blocked = 0

    async def add_event(self, event: E) -> bool:
        """Take an event in; whether it was. Waits only where the queue is full and the policy says `block`."""
        size = 0
        if self._measure is not None:
            try:
                size = self._measure(event)
            except Exception as error:
                self._backlog.refuse(event, "unserialisable", error)
                self._losses.tell(self._backlog.told())
                return False
        backlog = self._backlog
        if self._closing:
            backlog.refuse(event, "closed")
            found = FULL
        else:
            self._begin()
            found = backlog.offer(event, size, self._time())
            if found == FULL:
                found = await self._waited(event, size)
        if backlog.ready or len(backlog.open) == 1:
            self._work.set()
        if backlog.lost:
            self._losses.tell(backlog.told())
        return found >= 0

    async def _waited(self, event: E, size: int) -> int:
        backlog = self._backlog
        if self.policy.when_full != "block" or asyncio.current_task() is self._worker:
            backlog.refuse(event, "full")
            return FULL
        self._blocked += 1
        try:
            found = FULL
            while found == FULL:
                self._room.clear()
                await self._room.wait()
                if self._worker is None or self._worker.done():
                    backlog.refuse(event, "closed")
                    return FULL
                found = backlog.offer(event, size, self._time())
            return found
        finally:
            self._blocked -= 1
            self._work.set()

    async def flush(self) -> bool:
        """Export all that was added before. Returns whether it is out, or was dropped: not where the exporter asks."""
        self._backlog.close_open(BY_FLUSH, self._time())
        target = self._backlog.closed_batches
        self._work.set()
        if self._worker is None or asyncio.current_task() is self._worker:
            return self._backlog.gone_batches >= target
        while self._backlog.gone_batches < target and not self._worker.done():
            self._gone.clear()
            await self._gone.wait()
        return self._backlog.gone_batches >= target

    async def close(self) -> BatchCounts:
        """Export what is pending and end the task; later events are refused ("closed"). May be called again."""
        self._closing = True
        self._backlog.close_open(BY_CLOSE, self._time())
        self._work.set()
        if self._worker is not None and asyncio.current_task() is not self._worker:
            await asyncio.wait([self._worker])
        return self.counts()

    def counts(self) -> BatchCounts:
        """What became of the events so far: `added` = `exported` + `dropped` + `pending`, at any moment."""
        return self._backlog.counts()

    async def __aenter__(self) -> AsyncEventBatcher[E]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    # ------------------------------------------------------------------ the task

    def _begin(self) -> None:
        if self._worker is None:
            loop = asyncio.get_running_loop()
            self._worker = loop.create_task(self._export_all(), name="onex-event-batcher")
            self._worker.add_done_callback(self._ended)  # a task that is cancelled before its first step runs nothing

            def waker() -> None:
                loop.call_soon_threadsafe(self._work.set)

            self._clock.wake(waker)

    async def _export_all(self) -> None:
        while (batch := await self._next()) is not None:
            await self._export(batch)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Where the loop ended first, what is left will not be exported, and is told of."""
        self._closing = True
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        backlog = self._backlog
        backlog.close_open(BY_CLOSE, self._time())
        while (batch := backlog.take()) is not None:
            backlog.abandoned(batch, error)
        self._losses.tell(backlog.told())
        self._room.set()
        self._gone.set()

    async def _next(self) -> Batch[E] | None:
        backlog = self._backlog
        while True:
            self._work.clear()
            now = self._time()
            if self._closing:
                backlog.close_open(BY_CLOSE, now)
            left = backlog.age(now)
            batch = backlog.take()
            if batch is not None:
                self._room.set()
                return batch
            if self._closing and not self._blocked:
                return None
            await self._wait(left)

    async def _wait(self, nanoseconds: int | None) -> None:
        """Until there is work to look for, or so much time has passed."""
        try:
            seconds = None if nanoseconds is None else self._clock.seconds(nanoseconds)
            await asyncio.wait_for(self._work.wait(), seconds)
        except TimeoutError:
            pass

    async def _export(self, batch: Batch[E]) -> None:
        backlog = self._backlog
        for attempt in range(self._retries + 1):
            try:
                found = self._exporter(list(batch.events))
                if inspect.isawaitable(found):
                    await found
            except BaseException as error:
                backlog.failures += 1
                if attempt < self._retries and isinstance(error, Exception):
                    await self._pause(self._retry_after << attempt, batch)
                    continue
                backlog.failed(batch, error)
                if not isinstance(error, Exception):  # such as a task that is being cancelled
                    raise
            else:
                backlog.exported(batch)
            break
        self._losses.tell(backlog.told())
        self._gone.set()

    async def _pause(self, nanoseconds: int, batch: Batch[E]) -> None:
        until = self._time() + nanoseconds
        try:
            while not self._closing and (left := until - self._time()) > 0:
                self._work.clear()
                await self._wait(left)
        except asyncio.CancelledError as error:
            self._backlog.failed(batch, error)
            raise
